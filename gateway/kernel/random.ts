/** The one source of randomness, so that tests can be repeated. */
export interface Random {
  /** `size` bytes from a cryptographically secure generator. */
  bytes(size: number): Buffer
}

/** 256 bits: no one guesses it, however many are live at once. 43 characters of base64url. */
export function newSecret(random: Random): string {
  return random.bytes(32).toString('base64url')
}
