import { z } from 'zod'
import { chosenId, displayName, email, group, secret, secretFile } from './values.ts'

/** The argon2id parameters are read from the text, so they are bounded: a hash must not be able to ask for all memory. */
const argon2idPhc =
  /^\$argon2id\$v=19\$m=[1-9][0-9]{0,6},t=[1-9][0-9]?,p=[1-9][0-9]?\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}$/

export const accountSchema = z.strictObject({
  id: chosenId
    .optional()
    .describe(
      'Stable name of the account, told to apps as its subject. Default: from the e-mail, at first sight.',
    ),
  email: email.describe('What the person signs in with. May change; the id never follows it.'),
  name: displayName.optional().describe('Shown instead of the address.'),
  operator: z.boolean().default(false).describe('May run this gateway.'),
  password: secret(z.string().min(8).max(256), 'a password of 8 to 256 characters')
    .optional()
    .describe('Stored as argon2id. At most one of password and password_hash.'),
  password_file: secretFile('password'),
  password_hash: secret(
    z.string().regex(argon2idPhc),
    'an argon2id hash ($argon2id$v=19$m=…,t=…,p=…$salt$hash)',
  )
    .optional()
    .describe('Instead of the password itself.'),
  password_hash_file: secretFile('password_hash'),
  groups: z.array(group).max(256).default([]).describe('Groups that apps may ask for in access.'),
})

export type AccountSettings = z.output<typeof accountSchema>
