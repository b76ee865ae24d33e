import type { EventStore, JSONRPCMessage } from '@modelcontextprotocol/server';

/** The events of a session's streams, for clients that come back for what they missed. */
export class EventLog implements EventStore {
  readonly #events: { readonly streamId: string; readonly message: JSONRPCMessage }[] = [];

  storeEvent(streamId: string, message: JSONRPCMessage): Promise<string> {
    return Promise.resolve(String(this.#events.push({ streamId, message }) - 1));
  }

  getStreamIdForEventId(eventId: string): Promise<string | undefined> {
    return Promise.resolve(this.#events[Number(eventId)]?.streamId);
  }

  async replayEventsAfter(
    lastEventId: string,
    { send }: { send: (eventId: string, message: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    const last = Number(lastEventId);
    const streamId = this.#events[last]?.streamId;
    if (streamId === undefined) throw new Error('there is no such event');
    for (const [id, event] of this.#events.entries()) {
      // An event without a method and without an id only opens a stream.
      const isMessage = 'method' in event.message || 'id' in event.message;
      if (id > last && event.streamId === streamId && isMessage) await send(String(id), event.message);
    }
    return streamId;
  }
}
