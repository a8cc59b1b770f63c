/** Who is signed in while the benchmark runs. */
export const person = { id: 'ada', email: 'ada@example.com', name: 'Ada', password: 'correct horse battery' }
