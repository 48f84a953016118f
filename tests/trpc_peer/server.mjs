// The platform's backend as meetctl's tests need it: a real tRPC server on Fastify, with data and faults that a
// test sets over plain HTTP below /control. Started by tests/backend_peer.py:
//   node server.mjs '{"port": 0, "transformer": "superjson", "key": "…", "state": "state.json"}'
// It prints its port. What it knows is kept in the state file, so that it can be killed and started again.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { initTRPC, TRPCError } from '@trpc/server';
import { fastifyTRPCPlugin } from '@trpc/server/adapters/fastify';
import fastify from 'fastify';
import superjson from 'superjson';
import { z } from 'zod';

const options = JSON.parse(process.argv[2]);
const usesSuperjson = options.transformer === 'superjson';
const state = existsSync(options.state)
  ? JSON.parse(readFileSync(options.state, 'utf8'))
  : { tenants: {}, flags: {}, personalities: {}, knowledge: [], usage: [], events: [], faults: [] };
const mostCalls = 10_000;
const calls = [];

function save() {
  const draft = `${options.state}.new`;
  writeFileSync(draft, JSON.stringify(state));
  renameSync(draft, options.state);
}

// The procedures ----------------------------------------------------------------------------------------------

const t = initTRPC.context().create(usesSuperjson ? { transformer: superjson } : {});

const recorded = t.middleware(async ({ ctx, path, type, getRawInput, next }) => {
  const input = await getRawInput();
  calls.push({ path, type, input: usesSuperjson ? superjson.serialize(input).json : input });
  if (calls.length > mostCalls) calls.shift();
  const fault = takeFault(['refuse', 'failing', 'too-many', 'wrong'], [path]);
  if (ctx.key !== `Bearer ${options.key}` || fault?.kind === 'refuse') {
    throw new TRPCError({ code: fault?.code ?? 'UNAUTHORIZED', message: `key ${ctx.key} is not known` });
  }
  if (fault?.kind === 'failing') {
    throw new TRPCError({ code: 'INTERNAL_SERVER_ERROR', message: `broke on ${JSON.stringify(input)}` });
  }
  if (fault?.kind === 'too-many') {
    ctx.reply.header('Retry-After', String(fault.retry_after_s ?? 1));
    throw new TRPCError({ code: 'TOO_MANY_REQUESTS' });
  }
  const result = await next();
  return fault?.kind === 'wrong' && result.ok ? { ...result, data: fault.data ?? { unexpected: true } } : result;
});
const procedure = t.procedure.use(recorded);

const text = z.string().min(1);
const decimal = z.string().regex(/^-?\d+(\.\d+)?$/);
const told = { idempotencyKey: text, sessionId: text, roomName: text, at: z.iso.datetime({ offset: true }), kind: text };
const usage = z.strictObject({
  ...told,
  provider: text,
  model: z.string(),
  quantities: z.record(z.string(), decimal),
  costUsd: decimal.nullable(),
  basis: z.enum(['reported', 'estimated']),
});
const event = z.strictObject({ ...told, fields: z.record(z.string(), z.unknown()) });

function addOnce(list, tenantId, item) {
  const isNew = !list.some((kept) => kept.idempotencyKey === item.idempotencyKey);
  if (isNew) list.push({ tenantId, ...item });
  return isNew;
}

function words(content) {
  return new Set(content.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []);
}

function search({ tenantId, query, limit }) {
  const wanted = words(query);
  const hits = [];
  for (const piece of state.knowledge) {
    const shared = [...words(`${piece.title ?? ''} ${piece.text}`)].filter((word) => wanted.has(word)).length;
    if (piece.tenantId === tenantId && shared > 0) hits.push({ ...piece, score: shared / wanted.size });
  }
  return hits.sort((one, other) => other.score - one.score).slice(0, limit);
}

const router = t.router({
  livekit: t.router({
    getTenantByRoom: procedure
      .input(z.strictObject({ roomName: z.string() }))
      .query(({ input }) => {
        const tenant = state.tenants[input.roomName];
        if (tenant === 'missing') throw new TRPCError({ code: 'NOT_FOUND', message: 'No such room' });
        return tenant ?? null;
      }),
    trackUsage: procedure
      .input(z.strictObject({ tenantId: text, events: z.array(usage).min(1).max(1000) }))
      .mutation(({ input }) => {
        const accepted = input.events.filter((item) => addOnce(state.usage, input.tenantId, item)).length;
        save();
        return { accepted, duplicates: input.events.length - accepted };
      }),
    recordSessionEvent: procedure
      .input(z.strictObject({ tenantId: text, event }))
      .mutation(({ input }) => {
        addOnce(state.events, input.tenantId, input.event);
        save();
      }),
    createToken: procedure
      .input(z.strictObject({ tenantId: text, roomName: text, identity: text, name: text.optional() }))
      .mutation(({ input }) => ({
        token: `token of ${input.name ?? input.identity} for ${input.roomName}`,
        url: 'ws://127.0.0.1:7880',
        expiresAt: new Date(Date.now() + 3_600_000),
      })),
  }),
  knowledge: t.router({
    search: procedure
      .input(z.strictObject({ tenantId: text, query: z.string(), limit: z.number().int().min(1).max(100) }))
      .query(({ input }) => ({ hits: search(input) })),
  }),
  featureFlags: t.router({
    check: procedure
      .input(z.strictObject({ tenantId: text, flag: text }))
      .query(({ input }) => ({ enabled: state.flags[`${input.tenantId} ${input.flag}`] === true })),
  }),
  ai: t.router({
    getPersonality: procedure
      .input(z.strictObject({ tenantId: text }))
      .query(({ input }) => state.personalities[input.tenantId] ?? null),
  }),
  // What superjson can say and JSON cannot; `echo` tells how the server understood what was sent.
  codec: t.router({
    values: procedure.query(() => ({
      date: new Date('2026-11-22T09:00:00.250Z'),
      nothing: undefined,
      big: 2n ** 64n,
      map: new Map([['when', new Date(0)], ['n', 1]]),
      set: new Set(['a', 'b']),
      numbers: [NaN, Infinity, -Infinity, 1.5],
      'dotted.key': { 'back\\slash': new Date(0) },
      pattern: /a+/i,
      plain: 'Überraschung + 100% & mehr #1',
    })),
    echo: procedure.input(z.unknown()).query(({ input }) => ({ types: typesOf(input), value: input })),
  }),
});

function typesOf(value) {
  if (value instanceof Set) return ['Set', ...[...value].map(typesOf)];
  if (Array.isArray(value)) return value.map(typesOf);
  if (value instanceof Date) return 'Date';
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, typesOf(item)]));
  }
  return typeof value;
}

// Faults ------------------------------------------------------------------------------------------------------

// Each is in force for the procedures that it names, or for all, and for as many requests as it says, or forever.
function takeFault(kinds, paths) {
  const fault = state.faults.find(
    ({ kind, procedure }) => kinds.includes(kind) && (!procedure || paths.includes(procedure)),
  );
  if (fault?.times && --fault.times === 0) state.faults.splice(state.faults.indexOf(fault), 1);
  return fault;
}

const server = fastify({ routerOptions: { maxParamLength: 5000 }, bodyLimit: 16 * 1024 * 1024 });
const pathsOf = (request) => decodeURIComponent(request.url.slice('/trpc/'.length).split('?')[0]).split(',');

server.addHook('onRequest', async (request, reply) => {
  if (!request.url.startsWith('/trpc/')) return;
  const fault = takeFault(['down', 'slow', 'garbage'], pathsOf(request));
  if (fault?.kind === 'down') {
    reply.hijack();
    request.raw.socket.destroy();
  } else if (fault?.kind === 'slow') {
    await new Promise((resolve) => setTimeout(resolve, fault.ms));
  } else if (fault?.kind === 'garbage') {
    await reply.code(fault.status ?? 200).type('text/html').send('<html>a proxy says hello</html>');
  }
});
server.addHook('onSend', async (request, reply, payload) => {
  // The work is done, and nobody is told.
  if (request.url.startsWith('/trpc/') && takeFault(['lost'], pathsOf(request))) request.raw.socket.destroy();
  return payload;
});

// Control -----------------------------------------------------------------------------------------------------

server.register(async (control) => {
  control.get('/control/state', () => ({ ...state, calls }));
  control.post('/control/state', (request) => {
    for (const [name, change] of Object.entries(request.body)) {
      if (Array.isArray(change)) state[name].push(...change);
      else Object.assign(state[name], change);
    }
    save();
    return {};
  });
  control.delete('/control/faults', () => {
    state.faults.length = 0;
    save();
    return {};
  });
});

server.register(fastifyTRPCPlugin, {
  prefix: '/trpc',
  trpcOptions: {
    router,
    createContext: ({ req, res }) => ({ key: req.headers.authorization, reply: res }),
    allowBatching: true,
  },
});

await server.listen({ port: options.port, host: '127.0.0.1' });
console.log(server.server.address().port);
