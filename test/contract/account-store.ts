import { describe, expect, it } from 'vitest'
import type { Account } from '#gateway/accounts/account.ts'
import { createAccount } from '#gateway/accounts/directory.ts'
import type { AccountRewrites, AccountStore, CredentialStore } from '#gateway/accounts/store.ts'
import type { AccountId } from '#gateway/kernel/ids.ts'
import type { Transaction } from '#gateway/kernel/transaction.ts'
import { createSeededRandom } from '#test/support/seeded-random.ts'
import { aPasskey } from './credential-store.ts'

export interface OpenAccountStore extends AsyncDisposable {
  readonly accounts: AccountStore & AccountRewrites
  readonly credentials: CredentialStore
  /** The same database seen by another tenant. */
  readonly otherTenant: AccountStore & AccountRewrites
  readonly transaction: Transaction
}

const random = createSeededRandom('account-store')
const now = 1_772_000_000_000

export function anAccount(of: Partial<Account> = {}): Account {
  const email = of.email ?? `person-${random.bytes(4).toString('hex')}@example.com`
  return { ...createAccount({ email, name: 'Ada Lovelace' }, now, random), ...of }
}

/** What every AccountStore does, whatever it is made of. */
export function describeAccountStore(name: string, open: () => Promise<OpenAccountStore>): void {
  describe(`AccountStore: ${name}`, () => {
    it('gives back the record that was stored, without its password hash', async () => {
      await using store = await open()
      const account = anAccount({ groups: ['a', 'b'], operator: true })
      expect(await store.accounts.insert(account, {})).toBe('inserted')
      expect(await store.accounts.find(account.id)).toEqual(account)

      const secretive = anAccount()
      await store.accounts.insert(secretive, { passwordHash: '$hash', fileFingerprint: 'print' })
      const found = await store.accounts.find(secretive.id)
      expect(found).toEqual({ ...secretive, hasPassword: true, passwordChangedAt: now, fileOwned: true })
      expect(JSON.stringify(found)).not.toContain('$hash')
      expect(await store.accounts.passwordHashOf(secretive.id)).toBe('$hash')
      expect(await store.accounts.passwordHashOf(account.id)).toBeUndefined()
    })

    it('knows nothing of what was never stored', async () => {
      await using store = await open()
      const id = 'acc_nobody' as AccountId
      expect(await store.accounts.find(id)).toBeUndefined()
      expect(await store.accounts.findByFoldedEmail('nobody@example.com')).toBeUndefined()
      expect(await store.accounts.findByWebauthnUser('nobody')).toBeUndefined()
      expect(await store.accounts.passwordHashOf(id)).toBeUndefined()
      expect(await store.accounts.change(id, { name: 'x' }, now)).toBeUndefined()
      expect(await store.accounts.setPassword(id, '$hash', now)).toBe(false)
      expect(await store.accounts.setFileFingerprint(id, 'print')).toBe(false)
      expect(await store.accounts.delete(id)).toBe(false)
    })

    it('finds an account by the folded e-mail and by its WebAuthn user handle', async () => {
      await using store = await open()
      const account = anAccount({ email: 'Ada@Example.COM' })
      await store.accounts.insert(account, {})
      expect(await store.accounts.findByFoldedEmail('ada@example.com')).toEqual(account)
      expect(await store.accounts.findByFoldedEmail('Ada@Example.COM')).toBeUndefined()
      expect(await store.accounts.findByWebauthnUser(account.webauthnUser)).toEqual(account)
    })

    it('keeps an e-mail for one account, in any spelling, and an id too', async () => {
      await using store = await open()
      const first = anAccount({ email: 'ada@example.com' })
      await store.accounts.insert(first, {})
      expect(await store.accounts.insert(anAccount({ email: 'ADA@example.com' }), {})).toBe('email-taken')
      expect(await store.accounts.insert(anAccount({ id: first.id }), {})).toBe('id-taken')
      expect(await store.otherTenant.insert(anAccount({ email: 'ada@example.com' }), {})).toBe('inserted')
    })

    it('inserts one of twenty accounts that want the same e-mail at once', async () => {
      await using store = await open()
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, () => store.accounts.insert(anAccount({ email: 'ada@example.com' }), {})),
      )
      expect(outcomes.filter((outcome) => outcome === 'inserted')).toHaveLength(1)
      expect(outcomes.filter((outcome) => outcome === 'email-taken')).toHaveLength(19)
    })

    it('makes one first operator of twenty at once, and none afterwards', async () => {
      await using store = await open()
      await store.accounts.insert(anAccount(), {})
      expect(await store.accounts.anyOperator()).toBe(false)
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, () =>
          store.transaction.run(() =>
            store.accounts.insertFirstOperator(anAccount(), { passwordHash: '$h' }),
          ),
        ),
      )
      expect(outcomes.filter((outcome) => outcome === 'inserted')).toHaveLength(1)
      expect(outcomes.filter((outcome) => outcome === 'operator-exists')).toHaveLength(19)
      expect(await store.accounts.anyOperator()).toBe(true)
      expect(await store.otherTenant.anyOperator()).toBe(false)
    })

    it('stores the first operator as one, with its password, and says when its e-mail is taken', async () => {
      await using store = await open()
      await store.accounts.insert(anAccount({ email: 'ada@example.com' }), {})
      const taken = anAccount({ email: 'Ada@example.com' })
      expect(await store.accounts.insertFirstOperator(taken, {})).toBe('email-taken')
      const operator = anAccount()
      await store.accounts.insertFirstOperator(operator, { passwordHash: '$h' })
      expect(await store.accounts.find(operator.id)).toMatchObject({ operator: true, hasPassword: true })
      expect(await store.accounts.passwordHashOf(operator.id)).toBe('$h')
    })

    it('counts a disabled operator as one', async () => {
      await using store = await open()
      const operator = anAccount({ operator: true })
      await store.accounts.insert(operator, {})
      await store.accounts.change(operator.id, { state: 'disabled' }, now)
      expect(await store.accounts.insertFirstOperator(anAccount(), {})).toBe('operator-exists')
    })

    it('writes only the fields that a change names, so parallel changes do not undo each other', async () => {
      await using store = await open()
      const account = anAccount()
      await store.accounts.insert(account, {})
      await Promise.all([
        store.accounts.change(account.id, { name: 'Countess' }, now + 1),
        store.accounts.change(account.id, { state: 'disabled' }, now + 1),
        store.accounts.change(account.id, { groups: ['staff'] }, now + 1),
        store.accounts.change(account.id, { operator: true, email: 'New@example.com' }, now + 1),
      ])
      expect(await store.accounts.find(account.id)).toEqual({
        ...account,
        name: 'Countess',
        state: 'disabled',
        groups: ['staff'],
        operator: true,
        email: 'New@example.com',
        updatedAt: now + 1,
      })
      expect(await store.accounts.findByFoldedEmail('new@example.com')).toMatchObject({ id: account.id })
    })

    it('returns the record after a change', async () => {
      await using store = await open()
      const account = anAccount()
      await store.accounts.insert(account, { passwordHash: '$h' })
      expect(await store.accounts.change(account.id, { name: 'Countess' }, now + 5)).toEqual({
        ...account,
        name: 'Countess',
        hasPassword: true,
        passwordChangedAt: now,
        updatedAt: now + 5,
      })
    })

    it('refuses to change an e-mail to one that another account has, and accepts a new spelling of its own', async () => {
      await using store = await open()
      const account = anAccount({ email: 'ada@example.com' })
      await store.accounts.insert(account, {})
      await store.accounts.insert(anAccount({ email: 'bob@example.com' }), {})
      expect(await store.accounts.change(account.id, { email: 'BOB@example.com' }, now)).toBe('email-taken')
      expect(await store.accounts.change(account.id, { email: 'Ada@Example.com' }, now)).toMatchObject({
        email: 'Ada@Example.com',
      })
    })

    it('sets, replaces and takes away a password, with its date', async () => {
      await using store = await open()
      const account = anAccount()
      await store.accounts.insert(account, {})
      expect(await store.accounts.setPassword(account.id, '$one', now + 1)).toBe(true)
      expect(await store.accounts.find(account.id)).toMatchObject({
        hasPassword: true,
        passwordChangedAt: now + 1,
      })
      expect(await store.accounts.setPassword(account.id, undefined, now + 2)).toBe(true)
      expect(await store.accounts.passwordHashOf(account.id)).toBeUndefined()
      expect(await store.accounts.find(account.id)).toMatchObject({
        hasPassword: false,
        passwordChangedAt: now + 2,
      })
    })

    it('rehashes a password without moving its date, and never over one that was changed meanwhile', async () => {
      await using store = await open()
      const account = anAccount()
      await store.accounts.insert(account, { passwordHash: '$old' })
      expect(await store.accounts.rehashPassword(account.id, '$old', '$new')).toBe(true)
      expect(await store.accounts.rehashPassword(account.id, '$old', '$stale')).toBe(false)
      expect(await store.accounts.passwordHashOf(account.id)).toBe('$new')
      expect(await store.accounts.find(account.id)).toMatchObject({ passwordChangedAt: now })
    })

    it('lists by folded e-mail, page by page', async () => {
      await using store = await open()
      for (const email of ['b@example.com', 'A@example.com', 'c@example.com']) {
        await store.accounts.insert(anAccount({ email }), {})
      }
      const first = await store.accounts.list({ limit: 2 })
      expect(first.map((account) => account.email)).toEqual(['A@example.com', 'b@example.com'])
      const second = await store.accounts.list({ limit: 2, after: 'b@example.com' })
      expect(second.map((account) => account.email)).toEqual(['c@example.com'])
      expect(await store.otherTenant.list({ limit: 2 })).toEqual([])
    })

    it('deletes an account with its credentials, so that the authenticator can be registered again', async () => {
      await using store = await open()
      const account = anAccount()
      await store.accounts.insert(account, {})
      const passkey = aPasskey({ accountId: account.id })
      await store.credentials.insert(passkey, 20)
      expect(await store.accounts.delete(account.id)).toBe(true)
      expect(await store.accounts.find(account.id)).toBeUndefined()
      expect(await store.credentials.findByWebauthnId(passkey.webauthnId)).toBeUndefined()
      expect(await store.credentials.insert(aPasskey({ webauthnId: passkey.webauthnId }), 20)).toBe(
        'inserted',
      )
    })

    it('remembers the fingerprints of the accounts that a file declares, and forgets one on request', async () => {
      await using store = await open()
      const declared = anAccount()
      const own = anAccount()
      await store.accounts.insert(declared, { fileFingerprint: 'one' })
      await store.accounts.insert(own, {})
      expect(await store.accounts.fileFingerprints()).toEqual(new Map([[declared.id, 'one']]))
      await store.accounts.setFileFingerprint(own.id, 'two')
      await store.accounts.setFileFingerprint(declared.id, undefined)
      expect(await store.accounts.fileFingerprints()).toEqual(new Map([[own.id, 'two']]))
      expect(await store.accounts.find(declared.id)).toMatchObject({ fileOwned: false })
    })

    it('holds an account for one transaction at a time: of two that read and then write, both are counted', async () => {
      await using store = await open()
      const account = anAccount({ name: '0' })
      await store.accounts.insert(account, {})
      const addOne = () =>
        store.transaction.run(async () => {
          const held = await store.accounts.findAndHold(account.id)
          await store.accounts.change(account.id, { name: String(Number(held?.name) + 1) }, now)
        })
      await Promise.all(Array.from({ length: 10 }, addOne))
      expect(await store.accounts.find(account.id)).toMatchObject({ name: '10' })
    })

    it('shows nothing to another tenant', async () => {
      await using store = await open()
      const account = anAccount()
      await store.accounts.insert(account, { passwordHash: '$h' })
      expect(await store.otherTenant.find(account.id)).toBeUndefined()
      expect(await store.otherTenant.passwordHashOf(account.id)).toBeUndefined()
      expect(await store.otherTenant.delete(account.id)).toBe(false)
      expect(await store.accounts.find(account.id)).toBeDefined()
    })

    it('refuses to store what is no e-mail address, which no sign-in would ever find', async () => {
      await using store = await open()
      await expect(store.accounts.insert(anAccount({ email: 'no address' }), {})).rejects.toMatchObject({
        code: 'input_invalid',
      })
    })
  })
}
