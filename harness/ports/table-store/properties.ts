/** Properties of a table, kept in its own log: whoever opens it, in whatever process, knows of them. */
import { existing, type Tables } from './data-files.js';
import { type Action, commitInfo, type MetaData } from './delta/actions.js';

/** Commits nothing where nothing changes. */
export async function changeProperties(
  { log, clock }: Tables,
  table: string,
  change: (configuration: MetaData['configuration']) => MetaData['configuration'],
): Promise<void> {
  await log(table).commit((state) => {
    const { metaData } = existing(table, state);
    const configuration = change(metaData.configuration);
    if (JSON.stringify(configuration) === JSON.stringify(metaData.configuration)) return null;
    const actions: Action[] = [
      commitInfo(clock.nowUs(), 'SET TBLPROPERTIES', { properties: JSON.stringify(configuration) }),
      { metaData: { ...metaData, configuration } },
    ];
    return actions;
  });
}
