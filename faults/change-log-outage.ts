import { outageOf } from './outage.js';

/** The source cannot offer its changes either: it keeps them, and offers them again. */
export const changeLogOutage = outageOf<'change-log-outage'>('the change log is gone for a while', ['changeLog']);
