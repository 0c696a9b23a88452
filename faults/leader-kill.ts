/**
 * The broker that leads a partition of the topic is killed while changes are written to it: another one, which has all
 * that was acknowledged, leads in its place. It is started again at the end, on what it had made durable. Witnessed by its
 * exit; who leads is asked of Kafka at that moment. Nobody is killed while another broker is still away: that would be an
 * outage, which no leader survives.
 */
import type { Broker, Fault, Support, Unstruck, Witness } from '../harness/fault.js';
import { windowsOf } from './schedule.js';

interface Harm {
  readonly leader: Broker | null;
  readonly gone: Witness | Unstruck;
}

export const leaderKill: Fault<'leader-kill', Harm> = {
  about: 'the broker that leads a partition of the topic is killed (SIGKILL)',
  supports: (_, { lent, brokers }): Support => {
    if (lent) return { notApplicable: 'its brokers are yours, and not ours to stop' };
    if (brokers === 0) return { notApplicable: 'its change log is no Kafka, and has no brokers' };
    if (brokers === 1)
      return { notApplicable: 'there is one broker, and nobody to lead in its place: --brokers 3 starts three' };
    return { target: 'changeLog' };
  },
  schedule: windowsOf,
  async inject({ spec, topic, brokers }) {
    const away = brokers().away();
    if (away.length > 0) {
      const saw = `${away.join(' and ')} had not come back yet, and two dead brokers would be an outage; let it strike less often`;
      return { leader: null, gone: { atUs: null, saw } };
    }
    const leader = await brokers().leaderOf(topic, spec.partition);
    const { atUs, saw } = await leader.takeDown();
    return { leader, gone: { atUs, saw: `${saw}, which led partition ${spec.partition} of ${topic}` } };
  },
  witness: async (_, { gone }) => gone,
  heal: async (_, { leader }) => leader?.bringUp(),
};
