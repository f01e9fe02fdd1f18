/** The list below a field for a WAV file: the folders that are searched, and the files in them to choose from. */
import { type EditorNode, type Elements, editor } from './node-red.js'

/** `choose` is called with the name of the file that was clicked. */
export function mediaFileList(node: EditorNode, selector: string, choose: (name: string) => void): void {
  const { $ } = editor()
  const list = $(selector)
  const say = (key: string) => $('<div class="ringflow-files-note">').text(node._def._(`files.${key}`))
  $.getJSON('ringflow/media-files').then(
    ({ folders, files, truncated }) => {
      for (const [index, folder] of folders.entries()) {
        $('<div class="ringflow-files-folder">').text(folder).appendTo(list)
        const names = files.filter((file) => file.folder === index).map(({ name }) => name)
        if (names.length === 0) say('none').appendTo(list)
        else choices(names, choose).appendTo(list)
      }
      if (truncated) say('more').appendTo(list)
    },
    () => say('failed').appendTo(list),
  )
}

function choices(names: string[], choose: (name: string) => void): Elements {
  const { $ } = editor()
  const row = $('<div class="ringflow-files-names">')
  for (const name of names) {
    $('<button type="button" class="ringflow-file">')
      .text(name)
      .on('click', () => choose(name))
      .appendTo(row)
  }
  return row
}
