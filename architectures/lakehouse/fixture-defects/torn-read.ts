/** A row is read in two halves: its windows are older than the lists beside them. */
import { mixCopies } from './older-copies.js';

export default mixCopies('torn-read', (newer, { tiles, categories }) => ({ ...newer, tiles, categories }));
