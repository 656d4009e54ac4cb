package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Result links play another host. Scenario API: they live on a CDN, carry Policy,
// Signature and Key-Pair-Id, expire, and may redirect.
const (
	linkPath      = "/cdn/assets/"           // what records of originals name; redirects to
	filePath      = "/cdn/files/"            // where the bytes are
	transformPath = "/cdn/assets-transform/" // what other records name; redirects to
	smallPath     = "/cdn/transforms/"       // where smaller bytes are
	partPath      = "/cdn/uploads/"          // where the parts of an upload are sent to
)

const keyPairID = "KSIMULATOR0001"

// linkSigner signs paths until a time.
type linkSigner struct{ secret []byte }

func newLinkSigner(seed uint64) linkSigner {
	sum := sha256.Sum256(binary.LittleEndian.AppendUint64([]byte("links"), seed))
	return linkSigner{sum[:]}
}

// policy is what a link allows, in the words of the CDN.
type policy struct {
	Resource string `json:"resource"`
	Expires  int64  `json:"expires"` // milliseconds since 1970
}

// cdnEncoding is base64 with the letters that a CDN of this kind puts into links.
var cdnEncoding = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~").WithPadding('_')

func (l linkSigner) sign(path string, expires time.Time) string {
	statement, err := json.Marshal(policy{path, expires.UnixMilli()})
	if err != nil {
		panic(fmt.Sprintf("simulator: encode a link policy: %v", err))
	}
	return path + "?" + url.Values{
		"Policy":      {cdnEncoding.EncodeToString(statement)},
		"Signature":   {l.signature(statement)},
		"Key-Pair-Id": {keyPairID},
	}.Encode()
}

func (l linkSigner) signature(statement []byte) string {
	mac := hmac.New(sha256.New, l.secret)
	mac.Write(statement)
	return cdnEncoding.EncodeToString(mac.Sum(nil))
}

// open returns when the link of this request expires, or why it does not open.
func (l linkSigner) open(r *http.Request, now time.Time) (time.Time, *linkRefusal) {
	// The real host was not reported to mind; a client that sends its key to
	// another host has a defect, so it is told.
	if r.Header.Get("Authorization") != "" {
		return time.Time{}, &linkRefusal{http.StatusBadRequest, "InvalidArgument",
			"A signed link takes no Authorization header"}
	}
	denied := &linkRefusal{http.StatusForbidden, "AccessDenied", "Access denied"}
	query := r.URL.Query()
	statement, err := cdnEncoding.DecodeString(query.Get("Policy"))
	if err != nil || !hmac.Equal([]byte(query.Get("Signature")), []byte(l.signature(statement))) {
		return time.Time{}, denied
	}
	var allowed policy
	if err := json.Unmarshal(statement, &allowed); err != nil || allowed.Resource != r.URL.Path {
		return time.Time{}, denied
	}
	expires := time.UnixMilli(allowed.Expires)
	if !now.Before(expires) {
		return time.Time{}, denied
	}
	return expires, nil
}

// linkRefusal is an answer of the link's host, in XML.
type linkRefusal struct {
	status     int
	code, text string
}

func (l *linkRefusal) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(l.status)
	// A client that has gone is no error of the simulator's.
	_, _ = fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>%s</Message></Error>`, l.code, l.text)
}

// followLink answers the link of an asset record with a redirect to its bytes, which are
// below a path.
func (s *Simulator) followLink(path string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		expires, refused := s.links.open(r, time.Now())
		if refused != nil {
			refused.write(w)
			return
		}
		if fault := s.fault(FaultForeignRedirect); fault != nil {
			http.Redirect(w, r, fault.URL, http.StatusFound)
			return
		}
		http.Redirect(w, r, s.baseURL(r)+s.links.sign(path+r.PathValue("id"), expires), http.StatusFound)
	}
}

// baseURL is the address that links begin with.
func (s *Simulator) baseURL(r *http.Request) string {
	if s.options.PublicURL != "" {
		return s.options.PublicURL
	}
	scheme := "http"
	if r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}
