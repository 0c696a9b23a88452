/** How a plane is called on each stack. Apart from stack.ts, which every role loads when it starts: no role calls. */
import type { Clock } from '../clock.js';
import { connectPlane, type PlaneClient, type Routes } from '../processes/endpoint.js';
import type { StackConnection } from './stack.js';

export function connectTo(connection: StackConnection, clock: Clock, routes: Routes): PlaneClient {
  switch (connection.stack) {
    case 'embedded':
    case 'native':
    case 'docker':
      return connectPlane(routes);
    case 'simulated':
      return connection.world.door.connect(clock, routes);
  }
}
