/** One FIFO server: calls wait for their turn and for their service time. */
export interface Resource {
  /** Resolves when the call has been served; rejects never. */
  use(operation: string, rows: number, bytes: number): Promise<void>;
  /** Sum of service times so far. */
  busyUs(): number;
}
