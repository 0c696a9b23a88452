/** What jobs read and write: the master data, and tables of their own. */
import type { Schema } from '../../harness/ports/columns.js';
import { viewTables } from '../../workloads/view-sql.js';
import { rawTable } from './archive.js';

/** What jobs write. A snapshot, a scoring or a training set is one version of the first three. */
export const featuresTable = 'features';
export const scoredTable = 'scored';
export const trainingTable = 'training';
/** One row a training set: what it is made of, however often it is made. */
export const trainingSetsTable = 'training_sets';
export const trainingSetsSchema: Schema = ['id', 'record'].map((name) => ({ name, type: 'text', nullable: false }));

/** The tables of the master data, by the names that the view in SQL has for them. */
export const masterTables = Object.fromEntries(viewTables.map((name) => [name, name === 'changes' ? rawTable : name]));
