import type { Fetch } from '../../../src/http/request.ts'
import {
  ConnectionBroken,
  createFakeAdsApi,
  type FakeAdsApi,
  type FakeAdsOptions,
} from '../../../src/testing/fake-ads.ts'
import { serveFetch } from '../../support/serve.ts'

export interface FakeServer {
  fake: FakeAdsApi
  origin: string
  /** Answers in the stand-in's place from now on. */
  intercept(fetch: Fetch): void
  close(): void
}

/** The stand-in on a real port. */
export async function fakeServer(options: FakeAdsOptions = {}): Promise<FakeServer> {
  const fake = createFakeAdsApi(options)
  let answer: Fetch = fake.fetch
  const { url, close } = await serveFetch(async (request) => {
    try {
      return await answer(request)
    } catch (error) {
      // A stream that fails breaks the connection.
      if (error instanceof ConnectionBroken)
        return new Response(new ReadableStream({ start: (stream) => stream.error(error) }))
      throw error
    }
  })
  return {
    fake,
    origin: url,
    close,
    intercept: (fetch) => {
      answer = fetch
    },
  }
}
