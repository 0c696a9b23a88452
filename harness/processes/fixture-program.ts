/**
 * A program that knows nothing of planebench, for tests: serves HTTP at a port, after it has said so on stdout, with a
 * child of its own. Arguments: what it does, and the port.
 */
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';

const [, , does, port] = process.argv;
if (does === 'die') {
  process.stderr.write('cannot open the ledger\n');
  process.exit(7);
}
const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
let asked = 0;
createServer((_, response) => {
  // It answers before it is in service, as servers do that still load what they hold.
  response.statusCode = does === 'loads' && ++asked < 4 ? 503 : 200;
  response.end(JSON.stringify({ pid: process.pid, child: child.pid }));
}).listen(Number(port), '127.0.0.1', () => process.stdout.write('serving\n'));
