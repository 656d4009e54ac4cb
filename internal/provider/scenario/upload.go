package scenario

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// mostAtOnce is how large a picture may be that is sent in one call. Scenario API: images
// under 6 MB, before base64.
const mostAtOnce = 5_900_000

var _ provider.Uploader = (*Client)(nil)

// Upload implements [provider.Uploader]: small pictures go in one call, larger ones in
// parts.
func (c *Client) Upload(ctx context.Context, u provider.Upload) (asset string, err error) {
	if u.Bytes < mostAtOnce {
		asset, err = c.uploadAtOnce(ctx, u)
	} else {
		asset, err = c.uploadInParts(ctx, u)
	}
	if err != nil {
		return "", fmt.Errorf("upload the picture: %w", err)
	}
	return asset, nil
}

// uploadAtOnce sends a picture in one call. Scenario API: POST /assets answers the asset.
func (c *Client) uploadAtOnce(ctx context.Context, u provider.Upload) (string, error) {
	body, err := u.Open(ctx)
	if err != nil {
		return "", err
	}
	defer body.Close() // only read from
	content, err := io.ReadAll(io.LimitReader(body, u.Bytes+1))
	if err != nil {
		return "", err
	}
	if int64(len(content)) != u.Bytes {
		return "", fmt.Errorf("it has %d bytes and not %d", len(content), u.Bytes)
	}
	data, err := json.Marshal(map[string]any{"image": base64.StdEncoding.EncodeToString(content), "name": u.Name})
	if err != nil {
		return "", err
	}
	reply, err := c.change(ctx, call{op: OpUpload, method: http.MethodPost, path: []string{"assets"}, data: data, deadline: c.deadlines.upload})
	if err != nil {
		return "", err
	}
	made, err := decode[struct{ Asset loose[assetRecord] }](reply)
	if err != nil {
		return "", &job.UnknownOutcomeError{Err: err}
	}
	record := made.Asset.Value
	switch name := record.Metadata.Value.Name.Value; {
	case record.ID.Value == "":
		return "", &job.UnknownOutcomeError{Err: errors.New("the reply names no asset")}
	case name != "" && name != u.Name:
		return "", &job.UnknownOutcomeError{Err: errors.New("the reply is that to another upload")}
	default:
		return record.ID.Value, nil
	}
}

// change makes a call that makes something and costs nothing. What may have been done is not
// repeated: nothing but a refusal that the API itself must have written proves that it was
// not.
func (c *Client) change(ctx context.Context, call call) (*reply, error) {
	var refused error
	reply, err := c.free(ctx, call, func(r *refusal) error {
		if refused = r.toRun(); !r.proven() && !tooLarge(r.status) {
			refused = &job.UnknownOutcomeError{Err: r.plain()}
		}
		return refused
	})
	_, unsent := errors.AsType[*unsentError](err)
	if err == nil || unsent || establishing(err) || refused != nil && errors.Is(err, refused) {
		return reply, err
	}
	return nil, &job.UnknownOutcomeError{Err: err}
}

// tooLarge reports whether a status says that a body was not read to its end, or not
// understood, by whoever has answered.
func tooLarge(status int) bool {
	return status == http.StatusRequestEntityTooLarge || status == http.StatusUnprocessableEntity
}

// partBytes is the size of each part but the last. Scenario API: 5 MB at least, 10,000 parts
// at most.
const partBytes = 8 << 20

const (
	// uploadTries is how often a part is sent, and how often an upload begins whose links
	// have expired.
	uploadTries = 3
	// importPoll is how often an upload is looked at that is being taken over, and importMost
	// how long that is waited for; who asks again later uses ResumeUpload.
	importPoll = 2 * time.Second
	importMost = time.Minute
)

// uploadRecord is an upload in parts.
type uploadRecord struct {
	ID           loose[string]
	Status       loose[string]
	EntityID     loose[string]
	ErrorMessage loose[string]
	Parts        []struct {
		Number loose[json.Number]
		URL    loose[string]
	}
}

// uploadInParts sends a picture in parts. An upload that was begun and is not completed, or
// is not taken over, makes no asset, so it may begin again.
//
// Scenario API: POST /uploads, a PUT for each part to a link of its own, POST
// /uploads/{id}/action, GET /uploads/{id} until it is imported.
func (c *Client) uploadInParts(ctx context.Context, u provider.Upload) (string, error) {
	var last error
	for range uploadTries {
		begun, err := c.beginUpload(ctx, u)
		if err == nil && u.Begun != nil {
			err = u.Begun(begun.ID.Value)
		}
		if err != nil {
			return "", err
		}
		if last = c.sendParts(ctx, u, begun); last == nil {
			var asset string
			if asset, last = c.finishUpload(ctx, begun.ID.Value); !errors.Is(last, job.ErrInvalid) {
				return asset, last
			}
		}
		if ctx.Err() != nil {
			break
		}
	}
	return "", last
}

func (c *Client) beginUpload(ctx context.Context, u provider.Upload) (*uploadRecord, error) {
	parts := (u.Bytes + partBytes - 1) / partBytes
	data, err := json.Marshal(map[string]any{
		"fileName": u.Name, "contentType": u.ContentType, "kind": "image", "parts": parts, "fileSize": u.Bytes,
	})
	if err != nil {
		return nil, err
	}
	begun, err := c.uploadCall(ctx, call{op: OpUpload, method: http.MethodPost, path: []string{"uploads"}, data: data})
	if err == nil && (begun.ID.Value == "" || int64(len(begun.Parts)) != parts) {
		err = fmt.Errorf("the reply names %d of %d parts", len(begun.Parts), parts)
	}
	return begun, err
}

func (c *Client) uploadCall(ctx context.Context, call call) (*uploadRecord, error) {
	reply, err := c.free(ctx, call, (*refusal).toRun)
	if err != nil {
		return nil, err
	}
	body, err := decode[struct{ Upload loose[uploadRecord] }](reply)
	if err != nil {
		return nil, err
	}
	return &body.Upload.Value, nil
}

// sendParts sends the parts one after the other. A part that was cut is sent again.
func (c *Client) sendParts(ctx context.Context, u provider.Upload, begun *uploadRecord) error {
	for i := range begun.Parts {
		var err error
		for range uploadTries {
			if err = c.sendPart(ctx, u, i, begun.Parts[i].URL.Value); err == nil || errors.Is(err, job.ErrGone) || ctx.Err() != nil {
				break
			}
		}
		if err != nil {
			return fmt.Errorf("send part %d of %d: %w", i+1, len(begun.Parts), err)
		}
	}
	return nil
}

// sendPart sends one part to its link, which wants no API key.
func (c *Client) sendPart(ctx context.Context, u provider.Upload, i int, link string) error {
	address, err := parseLink(nil, link)
	if err == nil {
		err = c.mayFollow(address)
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.deadlines.upload)
	defer cancel()
	body, err := u.Open(ctx)
	if err != nil {
		return err
	}
	defer body.Close() // only read from
	start := int64(i) * partBytes
	if _, err := io.CopyN(io.Discard, body, start); err != nil {
		return err
	}
	length := min(partBytes, u.Bytes-start)
	request := (&http.Request{
		Method: http.MethodPut, URL: address, Host: address.Host, Header: http.Header{"User-Agent": {"nightshift"}},
		Body: io.NopCloser(io.LimitReader(body, length)), ContentLength: length,
	}).WithContext(ctx)
	response, err := c.assets.RoundTrip(request)
	if err != nil {
		return linkRefused(address, withoutAddress(err))
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, maxRefusal) // leaves the connection usable
	switch response.StatusCode {
	case http.StatusOK, http.StatusCreated, http.StatusNoContent:
		return nil
	default:
		return refusedLink(response.StatusCode)
	}
}

// finishUpload says that all parts are there, and waits for the asset. The upload itself
// tells whether that was heard, so it may be said again.
func (c *Client) finishUpload(ctx context.Context, id string) (string, error) {
	data, err := json.Marshal(map[string]string{"action": "complete"})
	if err != nil {
		return "", err
	}
	for deadline := time.Now().Add(importMost); ; {
		_, told := c.uploadCall(ctx, call{op: OpUpload, method: http.MethodPost, path: []string{"uploads", id, "action"}, data: data})
		asset, pending, err := c.awaitImport(ctx, id, deadline)
		if !pending {
			return asset, err
		}
		if told != nil && !time.Now().Before(deadline) {
			return "", told
		}
	}
}

// awaitImport waits until an upload is an asset. pending says that it was never completed.
func (c *Client) awaitImport(ctx context.Context, id string, deadline time.Time) (asset string, pending bool, err error) {
	for {
		var now *uploadRecord
		now, err = c.uploadCall(ctx, call{op: OpUpload, method: http.MethodGet, path: []string{"uploads", id}})
		switch {
		case errors.Is(err, job.ErrInvalid):
			return "", false, err
		case err != nil:
		case now.Status.Value == "failed":
			return "", false, &job.ProviderError{Kind: job.ErrInvalid, Words: c.clean(now.ErrorMessage.Value)}
		case now.EntityID.Value != "":
			return now.EntityID.Value, false, nil
		case now.Status.Value == "pending":
			pending = true
		default:
			pending = false
		}
		if !time.Now().Before(deadline) {
			if err == nil {
				err = fmt.Errorf("the provider has not taken it over within %s", importMost)
			}
			return "", false, &job.UnknownOutcomeError{Err: err}
		}
		select {
		case <-time.After(importPoll):
		case <-ctx.Done():
			return "", false, &job.UnknownOutcomeError{Err: cause(ctx)}
		}
		if pending {
			return "", true, nil
		}
	}
}

// ResumeUpload implements [provider.Uploader].
func (c *Client) ResumeUpload(ctx context.Context, id string) (asset string, underWay bool, err error) {
	now, err := c.uploadCall(ctx, call{op: OpUpload, method: http.MethodGet, path: []string{"uploads", id}})
	switch {
	case errors.Is(err, job.ErrInvalid): // it is not known any more
		return "", false, nil
	case err != nil:
		return "", false, fmt.Errorf("look at upload %q: %w", id, err)
	}
	status := now.Status.Value
	return now.EntityID.Value, now.EntityID.Value == "" && status != "pending" && status != "failed", nil
}

// FindUpload implements [provider.Uploader].
//
// Scenario API: an uploaded asset has its name in metadata.name.
func (c *Client) FindUpload(ctx context.Context, name string, since time.Time) (asset string, err error) {
	query := madeAfter(c.Earliest(since))
	query.Set("types", "uploaded")
	err = c.eachAsset(ctx, query, func(record *assetRecord) (more bool) {
		if record.Metadata.Value.Name.Value == name {
			asset = record.ID.Value
		}
		return asset == ""
	})
	if err != nil {
		return "", fmt.Errorf("look for the picture: %w", err)
	}
	return asset, nil
}

// HasAsset implements [provider.Uploader].
func (c *Client) HasAsset(ctx context.Context, asset string) (bool, error) {
	_, err := c.Asset(ctx, asset)
	if errors.Is(err, job.ErrNotFound) || errors.Is(err, job.ErrGone) {
		return false, nil
	}
	return err == nil, err
}
