import { type CommandSpec, envName } from './options.js'

const FLAG_WIDTH = 30

export function overview(commands: Readonly<Record<string, CommandSpec>>): string {
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(12)}${summary}`)
  return `ringflow: telephone calls from a terminal, on the engine of @ringflow/node-red-telephony

Usage: ringflow <command> [options]
       ringflow -s <server> -u <user> -t <target> [options]     places a call

${lines.join('\n')}

  ringflow <command> --help     options of a command, with examples
  ringflow --version

Try it on one machine, in two terminals:
  ringflow answer --listen udp://127.0.0.1:5070 --tone 440
  ringflow call sip:test@127.0.0.1:5070 --duration 5 --record heard.wav
`
}

export function commandHelp(command: CommandSpec): string {
  const options = Object.entries(command.options).map(([name, { value, help, short }]) => {
    const flag = `  ${short ? `-${short}, ` : ''}--${name}${value ? ` <${value}>` : ''}`
    const [first = '', ...more] = help.split('\n')
    const start =
      flag.length < FLAG_WIDTH ? flag.padEnd(FLAG_WIDTH) + first : `${flag}\n${' '.repeat(FLAG_WIDTH)}${first}`
    return [start, ...more.map((line) => ' '.repeat(FLAG_WIDTH) + line)].join('\n')
  })
  return `${command.summary}

Usage: ${command.usage}

${command.about.trim()}

Options:
${options.join('\n')}

Each option can be given as an environment variable instead: ${envName('server')}, ${envName('auth-user')} …
SIP_SERVER, SIP_USER, SIP_PASSWORD and SIP_TARGET are used where neither the option nor its RINGFLOW_ variable is given.
Exit codes: 0 success, 1 failure (stderr has the reason and advice), 2 wrong use.

Examples:
${command.examples.replace(/^\n/, '')}
`
}
