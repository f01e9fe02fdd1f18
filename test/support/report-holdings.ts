/** Loaded into a process before its program: SIGURG has it say what it holds, in its output. */
import { holdings } from './process-handles.js'

process.on('SIGURG', () => {
  void holdings().then((held) => console.log(`holdings ${JSON.stringify(held)}`))
})
