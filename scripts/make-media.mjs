// Makes examples/media/*.wav, which are kept in git. Only needed for other words; requires espeak-ng and sox.
// Telephone quality (8 kHz, 16 bit, mono), well below 100 kB each.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './setup.mjs'

const FORMAT = ['-r', '8000', '-c', '1', '-b', '16']
/** A steady, pure tone, so that a demo can measure what the other side heard. */
const CHIME = { hz: 440, seconds: 1, db: -9 }

const media = join(root, 'examples', 'media')
const scratch = mkdtempSync(join(tmpdir(), 'ringflow-media-'))
mkdirSync(media, { recursive: true })
try {
  const chime = join(scratch, 'chime.wav')
  const edges = ['fade', 't', '0.02', String(CHIME.seconds), '0.02']
  sox(
    '-n',
    ...FORMAT,
    chime,
    'synth',
    String(CHIME.seconds),
    'sine',
    String(CHIME.hz),
    'gain',
    String(CHIME.db),
    ...edges,
  )
  const words = speak('This is Ringflow. Press one.')
  sox(chime, words, ...FORMAT, join(media, 'message.wav'), 'pad', '0', '0.2')
  sox(speak('Thank you. Goodbye.'), ...FORMAT, join(media, 'thanks.wav'), 'pad', '0', '0.2')
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

/** A WAV file of the text at the chime's loudness, with a short pause before it. */
function speak(text) {
  const raw = join(scratch, `${text.length}-raw.wav`)
  const spoken = join(scratch, `${text.length}.wav`)
  execFileSync('espeak-ng', ['-v', 'en-us+f3', '-s', '150', '-w', raw, text])
  sox(raw, ...FORMAT, spoken, 'highpass', '200', 'norm', '-3', 'pad', '0.25')
  return spoken
}

/** `-R`: repeatable dither noise, so that each run makes the same files. */
function sox(...args) {
  execFileSync('sox', ['-R', ...args])
}
