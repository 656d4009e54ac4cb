// Package scenario is the client of the Scenario image API.
//
// It translates: what goes in and comes out are the words of package job, and no
// HTTP status, header or address leaves the package. It promises three things.
//
//   - A paid request is sent once. Nothing in here, and nothing in net/http below
//     it, sends a submission again; when it cannot be said that the provider did
//     not get it, the error is a [job.UnknownOutcomeError].
//   - Nothing waits for ever. Every call has a deadline of its own, a download has
//     one for the first answer and one for each pause between bytes.
//   - Secrets stay in. The credentials go to the API alone, never to the host of
//     an image, and neither they nor a signed link are part of any error.
//
// The client does not retry and does not count requests against limits: both
// belong to its callers, who see each refusal as the kind of failure it is.
package scenario
