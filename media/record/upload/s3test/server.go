// Package s3test is an object storage for tests: one bucket over real sockets, which
// verifies signatures (AWS Signature Version 4) and payload hashes, and can be made to
// fail.
package s3test

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// What the storage knows.
const (
	Bucket    = "calls"
	Region    = "eu-test-1"
	AccessKey = "AKTEST"
	SecretKey = "secret of the test"
)

// Object is what was stored.
type Object struct {
	Body   []byte
	Header http.Header // of the request
	ETag   string
}

// Server is the storage. Its fields are set before it gets a request.
type Server struct {
	*httptest.Server
	NoChecksums bool // it ignores x-amz-checksum-sha256, as older ones do
	OpaqueETags bool // its ETags are no MD5, as where objects are encrypted
	WriteOnly   bool // the key may not read
	NoListing   bool // nor list: what is not there is refused as well
	NoCondition bool // it ignores If-None-Match, as older ones do

	mu      sync.Mutex
	objects map[string]Object
	puts    map[string]int
	before  func(w http.ResponseWriter, r *http.Request) bool
}

// New returns a storage that is closed when the test ends.
func New(t testing.TB) *Server {
	s := newServer()
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// NewTLS returns one that speaks TLS.
func NewTLS(t testing.TB) *Server {
	s := newServer()
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of clients that do not trust it
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func newServer() *Server { return &Server{objects: map[string]Object{}, puts: map[string]int{}} }

// Before has every request given to f first, which returns true if it has answered it.
func (s *Server) Before(f func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

// Object returns what has that key.
func (s *Server) Object(key string) (Object, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.objects[key]
	return o, ok
}

// Put stores an object as somebody else would.
func (s *Server) Put(key string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[key] = Object{Body: body, Header: http.Header{}, ETag: "somebody else's"}
}

// Puts is how often an object was stored under that key.
func (s *Server) Puts(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.puts[key]
}

// Keys are those of all objects, in order.
func (s *Server) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := make([]string, 0, len(s.objects))
	for key := range s.objects {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	before := s.before
	s.mu.Unlock()
	if before != nil && before(w, r) {
		return
	}
	if code := authentic(r); code != "" {
		Refuse(w, http.StatusForbidden, code)
		return
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case bucket != Bucket:
		Refuse(w, http.StatusNotFound, "NoSuchBucket")
	case r.Method == http.MethodPut:
		s.put(w, r, key)
	case s.WriteOnly:
		Refuse(w, http.StatusForbidden, "AccessDenied")
	case r.Method == http.MethodHead, r.Method == http.MethodGet:
		s.get(w, r, key)
	default:
		Refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed")
	}
}

// Refuse answers as S3 does when something is wrong.
func Refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}{Code: code, Message: "the test says " + code})
}

func (s *Server) put(w http.ResponseWriter, r *http.Request, key string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // it was cut off
	}
	sum, old := sha256.Sum256(body), md5.Sum(body)
	switch {
	case r.Header.Get("X-Amz-Content-Sha256") != hex.EncodeToString(sum[:]):
		Refuse(w, http.StatusBadRequest, "XAmzContentSHA256Mismatch")
		return
	case r.Header.Get("Content-Md5") != base64.StdEncoding.EncodeToString(old[:]),
		r.Header.Get("X-Amz-Checksum-Sha256") != base64.StdEncoding.EncodeToString(sum[:]):
		Refuse(w, http.StatusBadRequest, "BadDigest")
		return
	}
	o := Object{Body: body, Header: r.Header.Clone(), ETag: hex.EncodeToString(old[:])}
	if s.OpaqueETags {
		o.ETag = "0123456789abcdef0123456789abcdef"
	}
	s.mu.Lock()
	_, taken := s.objects[key]
	if taken = taken && r.Header.Get("If-None-Match") == "*" && !s.NoCondition; !taken {
		s.objects[key] = o
		s.puts[key]++
	}
	s.mu.Unlock()
	if taken {
		Refuse(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	w.Header().Set("ETag", `"`+o.ETag+`"`)
}

func (s *Server) get(w http.ResponseWriter, r *http.Request, key string) {
	o, ok := s.Object(key)
	switch {
	case !ok && s.NoListing:
		Refuse(w, http.StatusForbidden, "AccessDenied")
		return
	case !ok:
		Refuse(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	w.Header().Set("ETag", `"`+o.ETag+`"`)
	w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
	if sum := o.Header.Get("X-Amz-Checksum-Sha256"); !s.NoChecksums && sum != "" && r.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" {
		w.Header().Set("X-Amz-Checksum-Sha256", sum)
	}
	for name, values := range o.Header {
		if strings.HasPrefix(name, "X-Amz-Meta-") {
			w.Header()[name] = values
		}
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(o.Body)))
	if r.Method == http.MethodGet {
		_, _ = io.Copy(w, bytes.NewReader(o.Body))
	}
}

// authentic verifies the signature of a request's header and returns the code of what is
// wrong with it.
func authentic(r *http.Request) string {
	fields := map[string]string{}
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	for field := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		fields[name] = value
	}
	scope := strings.Split(fields["Credential"], "/") // key, day, region, service, aws4_request
	switch {
	case !ok || len(scope) != 5:
		return "AccessDenied"
	case scope[0] != AccessKey:
		return "InvalidAccessKeyId"
	case scope[2] != Region:
		return "AuthorizationHeaderMalformed"
	}
	var headers strings.Builder
	for name := range strings.SplitSeq(fields["SignedHeaders"], ";") {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		fmt.Fprintf(&headers, "%s:%s\n", name, strings.TrimSpace(value))
	}
	hash := r.Header.Get("X-Amz-Content-Sha256")
	canonical := strings.Join([]string{r.Method, r.URL.EscapedPath(), canonicalQuery(r.URL.Query()), headers.String(), fields["SignedHeaders"], hash}, "\n")
	sum := sha256.Sum256([]byte(canonical))
	toSign := strings.Join([]string{"AWS4-HMAC-SHA256", r.Header.Get("X-Amz-Date"), strings.Join(scope[1:], "/"), hex.EncodeToString(sum[:])}, "\n")
	key := []byte("AWS4" + SecretKey)
	for _, part := range scope[1:] {
		key = mac(key, part)
	}
	if !hmac.Equal([]byte(hex.EncodeToString(mac(key, toSign))), []byte(fields["Signature"])) {
		return "SignatureDoesNotMatch"
	}
	return ""
}

func canonicalQuery(q url.Values) string { return strings.ReplaceAll(q.Encode(), "+", "%20") }

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
