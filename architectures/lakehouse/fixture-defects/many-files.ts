/** No defect: a snapshot of 40 customers has four files. */
import lakehouse from '../index.js';

export default () => lakehouse({ snapshotCustomers: 10 });
