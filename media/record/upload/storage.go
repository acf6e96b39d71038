package upload

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/s3utils"
)

// How the bucket stands in the addresses of requests.
const (
	StyleAuto = "auto" // in the host name at Amazon and some others, else in the path
	StylePath = "path" // https://HOST/BUCKET/KEY
	StyleHost = "host" // https://BUCKET.HOST/KEY
)

// DefaultRegion is what storages that have no regions take.
const DefaultRegion = "us-east-1"

// sumKey is the metadata of an object that has its SHA-256, in hex.
const sumKey = "Ringpace-Sha256"

// ParseEndpoint reads the address of a storage, such as https://s3.example.com:9000, and
// gives its host and whether TLS is spoken.
func ParseEndpoint(s string) (host string, secure bool, err error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.User != nil || u.RawQuery != "" {
		return "", false, fmt.Errorf("%q is not the address of a storage; write https://HOST or https://HOST:PORT, without a path", s)
	}
	return u.Host, u.Scheme == "https", nil
}

// CheckBucket reports what is wrong with the name of a bucket.
func CheckBucket(name string) error {
	if err := s3utils.CheckValidBucketNameStrict(name); err != nil {
		return fmt.Errorf("%q is no name of a bucket: %s", name, strings.ToLower(err.Error()))
	}
	return nil
}

var plainPrefix = regexp.MustCompile(`^[A-Za-z0-9._/-]*$`)

// CheckPrefix reports what is wrong with a prefix of keys.
func CheckPrefix(prefix string) error {
	if prefix != "" && (!plainPrefix.MatchString(prefix) || path.Clean(prefix) != prefix || path.IsAbs(prefix) || strings.HasPrefix(prefix, ".")) {
		return fmt.Errorf("%q is not a plain path; write letters, digits, dot, dash, underscore and slashes between them, such as calls/site-1", prefix)
	}
	return nil
}

// storage is one bucket, and where in it our objects go.
type storage struct {
	core      *minio.Core
	transport *http.Transport
	endpoint  string
	bucket    string
	prefix    string
	stall     time.Duration // without an octet for so long a request is given up
}

func openStorage(c Config) (*storage, error) {
	host, secure, err := ParseEndpoint(c.Endpoint)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		Proxy:       http.ProxyFromEnvironment,
		DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, TLSHandshakeTimeout: 10 * time.Second,
		ResponseHeaderTimeout: time.Minute, ExpectContinueTimeout: time.Second, IdleConnTimeout: time.Minute,
		MaxIdleConnsPerHost: c.Parallel + 1, DisableCompression: true,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("CA file: %w", err)
		}
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("CA file %s holds no certificate", c.CAFile)
		}
	}
	lookup := map[string]minio.BucketLookupType{StylePath: minio.BucketLookupPath, StyleHost: minio.BucketLookupDNS}[c.Style] // else auto
	core, err := minio.NewCore(host, &minio.Options{
		Creds:  credentials.NewStaticV4(c.AccessKey, c.SecretKey, ""),
		Secure: secure, Region: c.Region, BucketLookup: lookup, MaxRetries: 1, Transport: expecting{transport},
	})
	if err != nil {
		return nil, err
	}
	return &storage{
		core: core, transport: transport, endpoint: c.Endpoint, bucket: c.Bucket, prefix: c.Prefix, stall: stallAfter,
	}, nil
}

// expecting asks before it sends a body (RFC 9110 section 10.1.1), so that a storage that
// refuses is not sent a recording first, and its reason is read.
type expecting struct{ *http.Transport }

func (t expecting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r = r.Clone(r.Context())
		r.Header.Set("Expect", "100-continue")
	}
	return t.Transport.RoundTrip(r)
}

// key is the name of the object for a path below the recording directory.
func (s *storage) key(rel string) string { return path.Join(s.prefix, rel) }

// object says where that is, for people and the chain.
func (s *storage) object(rel string) string { return "s3://" + s.bucket + "/" + s.key(rel) }

// content is what an object is to hold: size octets from the start of a file.
type content struct {
	file   io.ReaderAt
	size   int64
	sha256 string // hex
	md5    []byte
}

// measure reads the first size octets.
func measure(ctx context.Context, file io.ReaderAt, size int64) (content, error) {
	sum, old := sha256.New(), md5.New()
	n, err := io.Copy(io.MultiWriter(sum, old), onlyReader{&interruptible{ctx, io.NewSectionReader(file, 0, size)}})
	if err == nil && n != size {
		err = io.ErrUnexpectedEOF
	}
	return content{file: file, size: size, sha256: hex.EncodeToString(sum.Sum(nil)), md5: old.Sum(nil)}, err
}

// onlyReader hides what could let a copy go around Read.
type onlyReader struct{ io.Reader }

// interruptible is a reader that ends with a context.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

func (r *interruptible) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// put makes an object of the content and returns once the storage is proven to have it. It
// writes over what is there unless it is to be fresh, which not every storage knows: see
// create.
func (s *storage) put(ctx context.Context, rel, kind string, c content, fresh bool) error {
	ctx, w := watch(ctx, s.stall)
	defer w.stop()
	sum, err := hex.DecodeString(c.sha256)
	if err != nil {
		return err
	}
	opts := minio.PutObjectOptions{
		ContentType: kind, DisableContentSha256: true, // the payload is hashed as a whole, not in signed pieces
		UserMetadata: map[string]string{sumKey: c.sha256, minio.ChecksumSHA256.Key(): base64.StdEncoding.EncodeToString(sum)},
	}
	if fresh {
		opts.SetMatchETagExcept("*")
	}
	info, err := s.core.PutObject(ctx, s.bucket, s.key(rel), w.reader(io.NewSectionReader(c.file, 0, c.size)), c.size,
		base64.StdEncoding.EncodeToString(c.md5), c.sha256, opts)
	if err != nil {
		return w.cause(err)
	}
	same, err := s.has(ctx, rel, c)
	if isRefused(err) && (info.ETag == hex.EncodeToString(c.md5) || info.ChecksumSHA256 == base64.StdEncoding.EncodeToString(sum)) {
		return nil // keys that may write and not read: the answer to the upload has proven it
	}
	if err == nil && !same {
		err = errors.New("the storage does not have what was sent to it")
	}
	return w.cause(err)
}

// has reports whether an object holds the content. Where none is seen, the error isUnseen.
func (s *storage) has(ctx context.Context, rel string, c content) (bool, error) {
	ctx, w := watch(ctx, s.stall)
	defer w.stop()
	info, err := s.stat(ctx, rel)
	if err != nil {
		return false, w.cause(err)
	}
	w.progress()
	sum, err := base64.StdEncoding.DecodeString(info.ChecksumSHA256)
	switch {
	case info.Size != c.size:
		return false, nil
	case err == nil && len(sum) == sha256.Size:
		return hex.EncodeToString(sum) == c.sha256, nil
	case info.ETag == hex.EncodeToString(c.md5):
		return true, nil
	}
	hash, err := s.digest(ctx, w, rel, c.size) // the ETag may be that of encrypted contents
	return hash == c.sha256, w.cause(err)
}

// digest reads the first size octets of an object back.
func (s *storage) digest(ctx context.Context, w *watchdog, rel string, size int64) (string, error) {
	body, _, _, err := s.core.GetObject(ctx, s.bucket, s.key(rel), minio.GetObjectOptions{})
	if err != nil {
		return "", err
	}
	defer body.Close()
	sum := sha256.New()
	if n, err := io.Copy(sum, w.reader(io.LimitReader(body, size))); err != nil || n != size {
		return "", errors.Join(err, io.ErrUnexpectedEOF)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// close gives connections back.
func (s *storage) close() { s.transport.CloseIdleConnections() }
