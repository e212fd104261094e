// A server that asks for a pause gets it, from every process.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { Elsewhere, Stage, fails, until } from './stage.mjs';

test('throttled_by_retry_after', async (t) => {
  const throttles = [
    [{ type: 'throttle', retry_after_seconds: 3 }, 3000],
    // An HTTP date has whole seconds.
    [{ type: 'throttle', retry_after_seconds: 4, as_date: true }, 3000],
    [{ type: 'throttle', retry_after_seconds: 3, status: 503 }, 3000],
  ];
  const keeps = async ([throttle, pause]) => {
    const stage = await Stage.acme(t);
    await stage.login();
    const token = await stage.accessToken();
    const elsewhere = await Promise.all(Array.from({ length: 3 }, () => Elsewhere.start(t, stage)));
    await stage.atRefresh(throttle);
    const error = await fails(stage.token({ forceRefresh: true }), 'throttled');
    const wait = error.retryAt - Date.now();
    // A whole second, and no sooner than the server wants.
    assert.ok(error.retryAt instanceof Date && wait > 0, `${wait} ms`);
    assert.ok(wait <= (throttle.retry_after_seconds + 1) * 1000, `${wait} ms`);
    // The pause is everybody's: no process asks to find out for itself.
    const others = elsewhere.map((one) => {
      return assert.rejects(one.accessToken('acme', { forceRefresh: true }), { code: 'throttled' });
    });
    await Promise.all(others);
    // Whoever can use the token at hand gets it.
    assert.equal(await stage.accessToken(), token);
    assert.equal(await stage.accessToken({ minLifetime: 7200 }), token);
    assert.equal((await stage.refreshes()).length, 1, inspect(throttle));
    await until(async () => {
      try {
        return (await stage.accessToken({ forceRefresh: true })) !== token;
      } catch (error) {
        await fails(Promise.reject(error), 'throttled');
        return false;
      }
    });
    const refreshes = await stage.refreshes();
    assert.equal(refreshes.length, 2);
    const gap = refreshes[1].milliseconds - refreshes[0].milliseconds;
    assert.ok(gap >= pause && gap < pause + 3000, `${inspect(throttle)}: ${gap} ms`);
  };
  await Promise.all(throttles.map(keeps));
});
