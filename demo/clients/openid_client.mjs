// Proves the provider with openid-client, the certified library: each step a line of JSON on standard output.
// It asks the one who runs it to play the person: {"go": address} is answered by {"came": address of the redirect}.
import { createInterface } from "node:readline";

import * as client from "openid-client";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => JSON.parse((await lines.next()).value);
const tell = (content) => process.stdout.write(`${JSON.stringify(content)}\n`);
const refusal = async (attempt) => {
  try {
    await attempt();
    return "accepted";
  } catch (error) {
    return error.error || error.code || String(error);
  }
};

const given = await read();
const config = await client.discovery(new URL(given.issuer), given.client_id, given.client_secret, undefined, {
  execute: [client.allowInsecureRequests],
});
const authorize = async () => {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const [expectedState, expectedNonce] = [client.randomState(), client.randomNonce()];
  const address = client.buildAuthorizationUrl(config, {
    redirect_uri: given.redirect_uri,
    scope: given.scope,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    state: expectedState,
    nonce: expectedNonce,
  });
  tell({ go: address.href });
  const came = new URL((await read()).came);
  return [came, { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true }];
};

const [came, checks] = await authorize();
const tokens = await client.authorizationCodeGrant(config, came, checks);
const claims = tokens.claims();
const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
const active = (await client.tokenIntrospection(config, refreshed.access_token)).active;
const reusedRefreshToken = await refusal(() => client.refreshTokenGrant(config, tokens.refresh_token));
const afterReuse = (await client.tokenIntrospection(config, refreshed.access_token)).active;

const [second, secondChecks] = await authorize();
const again = await client.authorizationCodeGrant(config, second, secondChecks);
const reusedCode = await refusal(() => client.authorizationCodeGrant(config, second, secondChecks));

const [third, thirdChecks] = await authorize();
const wrongVerifier = await refusal(() =>
  client.authorizationCodeGrant(config, third, { ...thirdChecks, pkceCodeVerifier: client.randomPKCECodeVerifier() }));
const last = await client.authorizationCodeGrant(config, third, thirdChecks);
await client.tokenRevocation(config, last.access_token);
const afterRevocation = (await client.tokenIntrospection(config, last.access_token)).active;
const own = await client.clientCredentialsGrant(config, {});
const goodbye = client.buildEndSessionUrl(config, {
  id_token_hint: again.id_token,
  post_logout_redirect_uri: given.post_logout_redirect_uri,
  state: "bye",
});
tell({
  claims, userinfo, active, reusedRefreshToken, afterReuse, reusedCode, wrongVerifier, afterRevocation,
  own: own.token_type, goodbye: goodbye.href,
});
process.exit(0);
