// node-oidc-provider with one client and one person, for the benchmark. Settings come as JSON in SETTINGS.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const settings = JSON.parse(process.env.SETTINGS);
const found = createRequire(`${settings.installed}/`).resolve('oidc-provider');
const { default: Provider } = await import(pathToFileURL(found));

// The adapter that comes with it forgets after a thousand entries, which would end sessions and refresh tokens.
const records = new Map();
const sessionsByUid = new Map();
const recordsByGrant = new Map();

class Memory {
  constructor(model) {
    this.model = model;
  }

  key(id) {
    return `${this.model}/${id}`;
  }

  async upsert(id, payload) {
    const key = this.key(id);
    records.set(key, payload);
    if (this.model === 'Session') {
      sessionsByUid.set(payload.uid, key);
    } else if (payload.grantId) {
      const together = recordsByGrant.get(payload.grantId) ?? new Set();
      recordsByGrant.set(payload.grantId, together.add(key));
    }
  }

  async find(id) {
    return records.get(this.key(id));
  }

  async findByUid(uid) {
    return records.get(sessionsByUid.get(uid));
  }

  async findByUserCode() {
    return undefined;
  }

  async consume(id) {
    records.get(this.key(id)).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    records.delete(this.key(id));
  }

  async revokeByGrantId(grantId) {
    recordsByGrant.get(grantId)?.forEach((key) => records.delete(key));
    recordsByGrant.delete(grantId);
  }
}

const resource = 'urn:bench';
const scope = `openid profile ${settings.ownScope}`;
let grantId;

const provider = new Provider(`http://127.0.0.1:${settings.port}`, {
  adapter: Memory,
  clients: [
    {
      client_id: settings.clientId,
      client_secret: settings.clientSecret,
      redirect_uris: [settings.redirectUri],
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      response_types: ['code'],
      id_token_signed_response_alg: 'ES256',
      scope,
    },
  ],
  scopes: ['openid', 'profile', settings.ownScope],
  claims: { openid: ['sub'], profile: ['name'] },
  cookies: { keys: ['bench'] },
  jwks: { keys: [settings.jwk] },
  issueRefreshToken: async () => true,
  interactions: { url: (_context, interaction) => `/sign-in/${interaction.uid}` },
  findAccount: async (_context, sub) => ({ accountId: sub, claims: async () => ({ sub, name: 'bench' }) }),
  // A client of the house itself: nobody is asked for consent.
  async loadExistingGrant(context) {
    if (grantId) return provider.Grant.find(grantId);
    const grant = new provider.Grant({ clientId: settings.clientId, accountId: context.oidc.session.accountId });
    grant.addOIDCScope('openid profile');
    if (!settings.opaque) grant.addResourceScope(resource, scope);
    grantId = await grant.save();
    return grant;
  },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: !settings.opaque,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }),
    },
  },
});

// Whoever comes to sign in is signed in.
provider.use(async (context, next) => {
  if (!context.path.startsWith('/sign-in/')) return next();
  context.respond = false;
  return provider.interactionFinished(context.req, context.res, { login: { accountId: 'bench' } });
});

createServer(provider.callback()).listen(settings.port, '127.0.0.1');
