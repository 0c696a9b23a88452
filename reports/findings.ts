/** What a finding about a run means for the reader. A finding never speaks of the plane: what a plane loses is a figure. */
const meanings: Readonly<Record<string, string>> = {
  HARNESS: 'The harness could not do its work; the run says nothing about the plane.',
  PLANE:
    'The plane could not be started or answered in a way that the harness cannot judge; its own messages are in the run folder.',
};

export function findingMeaning(code: string): string {
  return meanings[code] ?? 'A condition for judging this run did not hold.';
}

export const leftOut = 'The run is left out of every figure, comparison and claim; its raw facts are kept.';
