/** Text from outside for formats made of lines: one line, nothing in it that a terminal would obey. */
import { printable } from './markup.js';

export function oneLine(text: string): string {
  return printable(text)
    .replace(/[\s\u2028\u2029]+/g, ' ')
    .trim();
}

/** Breaks at spaces; a word longer than a line is cut. A terminal that says it has no width gets one character a line. */
export function wrap(text: string, columns: number): string[] {
  const width = Math.max(1, columns);
  const lines: string[] = [];
  let line = '';
  for (let word of oneLine(text).split(' ')) {
    if (line !== '' && lengthOf(line) + 1 + lengthOf(word) > width) {
      lines.push(line);
      line = '';
    }
    while (lengthOf(word) > width) {
      lines.push([...word].slice(0, width).join(''));
      word = [...word].slice(width).join('');
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' && lines.length > 0 ? lines : [...lines, line];
}

/** In characters, not in code units. */
export function lengthOf(text: string): number {
  return [...text].length;
}

/**
 * Text of others as it may go to a terminal or a CI server's log: without control characters, and no line of it a command
 * of that server, which begins with `::` or `##[` (https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands).
 */
export function harmless(text: string): string {
  return printable(text).replace(/^(\s*)(?=::|##\[)/gm, '$1| ');
}
