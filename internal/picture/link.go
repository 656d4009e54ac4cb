package picture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"nightshift/internal/bucket/image"
	"nightshift/internal/egress"
)

const (
	// mostRedirects is how many redirects a link may have.
	mostRedirects = 5
	// linkTime bounds the download of one picture.
	linkTime = 2 * time.Minute
)

// Links fetches the pictures that links lead to into a folder of its own, each once.
type Links struct {
	client *http.Client
	folder string
	paths  map[string]string // by link
}

// NewLinks returns one that follows links to hosts that the rules let through.
func NewLinks(rules egress.Rules) *Links {
	transport := egress.NewTransport(rules, &http.Transport{Proxy: http.ProxyFromEnvironment, DisableCompression: true})
	return &Links{
		paths: make(map[string]string),
		client: &http.Client{Transport: transport, Timeout: linkTime, CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > mostRedirects {
				return fmt.Errorf("it redirects more than %d times", mostRedirects)
			}
			r.Header.Del("Referer") // would tell the next host a signed link
			return nil
		}},
	}
}

// Close removes what was fetched. It may be called again.
func (l *Links) Close() error {
	if l.folder == "" {
		return nil
	}
	folder := l.folder
	l.folder = ""
	return os.RemoveAll(folder)
}

// Fetch downloads what a link leads to, the first time, and returns the file. An error says
// why there is none; it does not show the link, which may be signed.
func (l *Links) Fetch(ctx context.Context, link string) (path string, err error) {
	if path, known := l.paths[link]; known {
		return path, nil
	}
	if l.folder == "" {
		if l.folder, err = os.MkdirTemp("", "nightshift-pictures-"); err != nil {
			return "", err
		}
	}
	path = filepath.Join(l.folder, strconv.Itoa(len(l.paths)))
	if err := l.download(ctx, link, path); err != nil {
		return "", err
	}
	l.paths[link] = path
	return path, nil
}

func (l *Links) download(ctx context.Context, link, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, link, http.NoBody)
	if err != nil {
		return errors.New("the link is not an address")
	}
	request.Header.Set("User-Agent", "nightshift")
	response, err := l.client.Do(request)
	if err != nil {
		return withoutLink(err)
	}
	defer response.Body.Close() // only read from
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("its host answered %d", response.StatusCode)
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	n, err := io.Copy(file, io.LimitReader(response.Body, image.DefaultMaxBytes+1))
	if err = errors.Join(err, file.Close()); err != nil {
		return withoutLink(err)
	}
	if n > image.DefaultMaxBytes {
		return fmt.Errorf("it is larger than %d MiB", image.DefaultMaxBytes>>20)
	}
	return nil
}

func withoutLink(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}
