/**
 * When versions were committed. A log of writer version 2 has no in-commit timestamps, which rise by rule (protocol,
 * "In-Commit Timestamps"), but the clock of each writer in its `commitInfo`, and clocks differ. So a version counts as
 * committed when its writer says, or when the version before it was, whichever is later: whoever asks for a moment
 * after a commit sees that commit, and all before it.
 */
export interface CommitTime {
  readonly version: number;
  /** Null if its writer did not say. */
  readonly timestampMs: number | null;
}

/** The newest version that was there at `timestampUs`, of those given in order; null if none was. */
export function versionAt(commits: readonly CommitTime[], timestampUs: number): number | null {
  let found: number | null = null;
  let committedMs = 0;
  for (const { version, timestampMs } of commits) {
    committedMs = Math.max(committedMs, timestampMs ?? 0);
    if (committedMs * 1000 > timestampUs) break;
    found = version;
  }
  return found;
}
