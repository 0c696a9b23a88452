/** A row claims the newest last_seq, whatever state it is computed from. */
import { mixCopies } from './older-copies.js';

export default mixCopies('early-seq', ({ lastSeq, latestUs }, older) => ({ ...older, lastSeq, latestUs }));
