/** A process that commits to a log until it has recorded all its commits, or is killed. For tests. */
import { runChild } from '../../../processes/child.js';
import { seededRandom } from '../../../random.js';
import { openEngine } from '../engine.js';
import { commitInfo, setTransaction } from './actions.js';
import { isRecorded } from './conflicts.js';
import { creation, file } from './fixture-log.js';
import { localObjects } from './local-objects.js';
import { openDeltaLog } from './log.js';

export interface LogWriterInit {
  readonly directory: string;
  readonly writer: number;
  readonly commits: number;
}

runChild<LogWriterInit>(async ({ directory, writer, commits }, child) => {
  const objects = localObjects(directory);
  const engine = openEngine({ threads: 1, spill: objects.stage });
  const log = openDeltaLog({ table: 't', objects, engine, clock: child.clock, random: seededRandom(writer) });
  const appId = `writer ${writer}`;
  await log.commit((state) => (state === null ? creation() : null));
  // The log is the only memory: what it has recorded is never committed again, what it has not is.
  const recorded = (await log.refresh())?.txns.get(appId)?.version ?? 0;
  child.ready(recorded);
  for (let commit = recorded + 1; commit <= commits; commit++) {
    const result = await log.commit((state) => {
      if (isRecorded(state!, [{ appId, version: commit }])) return null;
      const nowUs = child.clock.nowUs();
      const add = { add: file(`${writer}-${commit}`) };
      return [commitInfo(nowUs, 'WRITE', {}, true), setTransaction(nowUs, appId, commit), add];
    });
    if (!result.committed) throw new Error(`Commit ${commit} of ${appId} was there before it was written.`);
    child.report('acknowledged', { commit, version: result.version });
  }
  await engine.close();
});
