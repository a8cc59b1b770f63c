/** A slow hash for passwords. Implemented by `adapters/argon2.ts`; only `accounts/passwords.ts` calls it, because it must be bounded. */
export interface PasswordHasher {
  /** PHC text with a fresh salt. */
  hash(password: string): Promise<string>
  /** False for a wrong password and for text that is no hash of ours. */
  verify(passwordHash: string, password: string): Promise<boolean>
  /** False when the hash was made with other parameters than new ones are: then it is made anew at the next sign-in. */
  isCurrent(passwordHash: string): boolean
  /** A hash with today's parameters that no password matches: who has none is checked against it, at the same cost. */
  readonly dummyHash: string
}
