package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// plainCommand is the first argument that makes this program the plain client.
	plainCommand = "plain-client"
	plainPoll    = 5 * time.Second
)

// plainMain is the plain client: what one writes in an afternoon. One goroutine a
// job submits it, asks every five seconds whether it is done, reads the whole image
// into memory and writes it. It keeps no record and knows no limit before it is
// refused; then it waits as the reply says, or five seconds. Arguments: the API's
// address, the manifest, the folder for the images.
func plainMain(ctx context.Context, args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("usage: bench %s URL MANIFEST FOLDER", plainCommand)
	}
	file, err := os.Open(args[1])
	if err != nil {
		return err
	}
	defer file.Close()
	c := &plainClient{url: args[0] + "/v1", folder: args[2]}
	var (
		jobs sync.WaitGroup
		mu   sync.Mutex
		errs []error
	)
	for rows := bufio.NewScanner(file); rows.Scan(); {
		var row batchRow
		if err := json.Unmarshal(rows.Bytes(), &row); err != nil {
			return fmt.Errorf("read manifest: %w", err)
		}
		jobs.Go(func() {
			if err := c.job(ctx, row); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
		})
	}
	jobs.Wait()
	return errors.Join(errs...)
}

type plainClient struct{ url, folder string }

// job makes one image.
func (c *plainClient) job(ctx context.Context, row batchRow) error {
	inputs := map[string]any{"prompt": row.Prompt}
	maps.Copy(inputs, row.Parameters)
	var submitted struct{ Job struct{ JobID string } }
	if err := c.call(ctx, http.MethodPost, "/generate/custom/"+row.Model, inputs, &submitted); err != nil {
		return fmt.Errorf("submit %s: %w", row.ID, err)
	}
	asset, err := c.await(ctx, submitted.Job.JobID)
	if err != nil {
		return fmt.Errorf("await %s: %w", row.ID, err)
	}
	var record struct {
		Asset struct{ URL, MIMEType string }
	}
	if err := c.call(ctx, http.MethodGet, "/assets/"+asset, nil, &record); err != nil {
		return fmt.Errorf("read asset of %s: %w", row.ID, err)
	}
	body, err := send(ctx, http.MethodGet, record.Asset.URL, nil, false)
	if err != nil {
		return fmt.Errorf("download %s: %w", row.ID, err)
	}
	path := filepath.Join(c.folder, strings.NewReplacer("{id}", row.ID, "{ext}", "png").Replace(row.Output))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, body, 0o644)
}

// await polls until the job has ended and returns its asset.
func (c *plainClient) await(ctx context.Context, id string) (asset string, err error) {
	for {
		var polled struct {
			Job struct {
				Status   string
				Metadata struct{ AssetIDs []string }
			}
		}
		if err := c.call(ctx, http.MethodGet, "/jobs/"+id, nil, &polled); err != nil {
			return "", err
		}
		switch assets := polled.Job.Metadata.AssetIDs; {
		case polled.Job.Status == "success" && len(assets) > 0:
			return assets[0], nil
		case polled.Job.Status == "failure" || polled.Job.Status == "canceled":
			return "", fmt.Errorf("job %s ended as %s", id, polled.Job.Status)
		}
		if err := pause(ctx, plainPoll); err != nil {
			return "", err
		}
	}
}

// call sends a request of the API and decodes its answer.
func (c *plainClient) call(ctx context.Context, method, path string, inputs, answer any) error {
	var body []byte
	if inputs != nil {
		var err error
		if body, err = json.Marshal(inputs); err != nil {
			return err
		}
	}
	reply, err := send(ctx, method, c.url+path, body, true)
	if err != nil {
		return err
	}
	return json.Unmarshal(reply, answer)
}

// send sends a request, again while it is refused for a limit, and reads the answer
// into memory.
func send(ctx context.Context, method, url string, body []byte, key bool) ([]byte, error) {
	for {
		request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		if key {
			request.SetBasicAuth(simulatorKey, simulatorKey)
		}
		reply, err := http.DefaultClient.Do(request)
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(reply.Body)
		reply.Body.Close()
		switch {
		case err != nil:
			return nil, err
		case reply.StatusCode == http.StatusTooManyRequests:
			if err := pause(ctx, retryAfter(reply.Header)); err != nil {
				return nil, err
			}
		case reply.StatusCode >= 300:
			return nil, fmt.Errorf("%s %s answered %s: %s", method, url, reply.Status, data)
		default:
			return data, nil
		}
	}
}

func retryAfter(header http.Header) time.Duration {
	if seconds, err := strconv.Atoi(header.Get("Retry-After")); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	return plainPoll
}
