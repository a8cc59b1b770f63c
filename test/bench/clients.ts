/** Two clients, the same for every contestant, so that the engine does the same work in each. */
export const redirectUri = 'https://app.example/callback'
export const clientSecret = 'bench-secret-bench-secret-bench-secret'

export const clients = (['ES256', 'RS256'] as const).map((alg) => ({
  client_id: `app-${alg}`,
  client_secret: clientSecret,
  redirect_uris: [redirectUri],
  id_token_signed_response_alg: alg,
  grant_types: ['authorization_code', 'refresh_token'] as ('authorization_code' | 'refresh_token')[],
}))
