import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { statusOf } from '#test/attacks/attacker.ts'
import { createBrowser } from '#test/support/browser.ts'
import { startGateway } from '#test/support/gateway.ts'

describe('connections that want to stay', () => {
  // Ten seconds are the limit, and it is real time: nothing of Node's can be moved by hand.
  test('who sends half a request and then nothing is told so, and keeps nobody waiting until then', async () => {
    await using gateway = await startGateway()
    const halves = [
      '',
      'GET / HT',
      'GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ',
      'POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\na=',
      'POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n5\r\na',
    ]
    const held = await Promise.all(
      Array.from({ length: 300 }, (_, at) => halfOf(gateway.port, halves[at % halves.length] ?? '')),
    )
    const began = performance.now()
    expect((await fetch(`${gateway.issuer}/readyz`)).status).toBe(200)
    expect((await createBrowser().get(`${gateway.issuer}/sign-in`)).status).toBe(200)
    expect(performance.now() - began).toBeLessThan(2_000)

    const answers = await Promise.all(held.map(({ answered }) => answered))
    // Before the end of the headers it is Node that says so, after it we do.
    expect(answers.filter((answer) => statusOf(answer) === 408)).toHaveLength(180)
    expect(answers.filter((answer) => statusOf(answer) === 400)).toHaveLength(120)
    expect(new Set(answers.map((answer) => /^Connection: .*$/im.exec(answer)?.[0].toLowerCase()))).toEqual(
      new Set(['connection: close']),
    )
    for (const { socket } of held) socket.destroy()
    expect(gateway.logLines.filter(({ level }) => level === 'error')).toEqual([])
    expect((await fetch(`${gateway.issuer}/readyz`)).status).toBe(200)
  }, 60_000)

  test('who goes away in the middle of anything breaks nothing', async () => {
    await using gateway = await startGateway()
    const beginnings = [
      'GET /sign-in HTTP/1.1\r\nHost: x\r\n\r\n',
      'GET /oauth/authorize?client_id=x HTTP/1.1\r\nHost: x\r\n\r\n',
      'POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\na=',
      'POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\na=',
      'POST /oauth/end-session HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\na=',
      'GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n',
    ]
    for (let round = 0; round < 20; round += 1) {
      for (const beginning of beginnings) {
        const { socket } = await halfOf(gateway.port, beginning)
        if (round % 2 === 0) socket.resetAndDestroy()
        else socket.destroy()
      }
    }
    expect((await fetch(`${gateway.issuer}/readyz`)).status).toBe(200)
    expect(gateway.logLines.filter(({ level }) => level === 'error')).toEqual([])
  })
})

async function halfOf(port: number, text: string) {
  const socket: Socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  const answered = new Promise<string>((resolve) => {
    socket.on('data', (chunk) => resolve(String(chunk)))
    socket.on('close', () => resolve(''))
  })
  await once(socket, 'connect')
  socket.write(text)
  return { socket, answered }
}
