package upload

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"

	"github.com/minio/minio-go/v7"
)

// scope says what a fault holds up.
type scope uint8

const (
	passing scope = iota // the way to the storage, or the storage itself: a retry may mend it
	lasting              // every upload, until somebody does something
	single               // this one object and no other
)

// fault is why an upload failed.
type fault struct {
	scope scope
	text  string // what is wrong and, where it lasts, what to do
}

// told is an error of which it is known what it means.
type told struct{ fault }

func (e told) Error() string { return e.text }

// faultOf tells what an error of an upload means.
func (s *storage) faultOf(err error) fault {
	var known told
	if errors.As(err, &known) {
		return known.fault
	}
	if f, ok := s.distrust(err); ok {
		return f
	}
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) || answer.StatusCode == 0 {
		return fault{passing, fmt.Sprintf("the storage %s cannot be reached: %v", s.endpoint, err)}
	}
	said := fmt.Sprintf("%s, %s", answer.Code, answer.Message)
	if do := s.remedy(answer); do != "" {
		return fault{lasting, fmt.Sprintf("%s (%s)", do, said)}
	}
	switch code := answer.StatusCode; {
	case code >= 500, code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, answer.Code == "RequestTimeout":
		return fault{passing, fmt.Sprintf("the storage %s fails (%s)", s.endpoint, said)}
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code/100 == 3:
		return fault{lasting, fmt.Sprintf("the storage %s refuses uploads to bucket %s (%s)", s.endpoint, s.bucket, said)}
	}
	return fault{single, fmt.Sprintf("the storage does not take it (%s)", said)}
}

// distrust tells of TLS that does not come about.
func (s *storage) distrust(err error) (fault, bool) {
	var (
		unverified *tls.CertificateVerificationError
		unknown    x509.UnknownAuthorityError
		name       x509.HostnameError
		header     tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &unverified), errors.As(err, &unknown), errors.As(err, &name):
		return fault{lasting, fmt.Sprintf("the certificate of %s is not trusted; set recording.upload.ca_file to the certificate of the authority that signs it (%v)", s.endpoint, err)}, true
	case errors.As(err, &header), errors.Is(err, http.ErrSchemeMismatch):
		return fault{lasting, fmt.Sprintf("%s does not speak TLS; write http:// in recording.upload.endpoint, or its TLS port (%v)", s.endpoint, err)}, true
	}
	return fault{}, false
}

// remedy says what is wrong and what to do about it; "" where only time helps, or nothing
// is known.
func (s *storage) remedy(answer minio.ErrorResponse) string {
	switch answer.Code {
	case "InvalidAccessKeyId":
		return fmt.Sprintf("the storage %s does not know the access key; correct recording.upload.access_key", s.endpoint)
	case "SignatureDoesNotMatch":
		return fmt.Sprintf("the storage %s finds the secret key wrong; correct recording.upload.secret_key", s.endpoint)
	case "ExpiredToken", "InvalidToken":
		return fmt.Sprintf("the keys for %s have expired; set new ones in recording.upload", s.endpoint)
	case "AccessDenied", "AllAccessDisabled":
		return fmt.Sprintf("the access key may not write to bucket %s of %s; grant it s3:PutObject on %s*, and s3:GetObject to prove uploads", s.bucket, s.endpoint, s.object(""))
	case "NoSuchBucket":
		return fmt.Sprintf("there is no bucket %s at %s; make it, or correct recording.upload.bucket", s.bucket, s.endpoint)
	case "AuthorizationHeaderMalformed", "InvalidRegion", "PermanentRedirect", "IllegalLocationConstraintException":
		right := "that of the bucket"
		if answer.Region != "" {
			right = answer.Region
		}
		return fmt.Sprintf("bucket %s is in another region; set recording.upload.region to %s", s.bucket, right)
	case "RequestTimeTooSkewed":
		return fmt.Sprintf("the clocks of this machine and of %s differ too much; set this one right (NTP)", s.endpoint)
	case "QuotaExceeded", "XAmzQuotaExceeded", "XMinioAdminBucketQuotaExceeded", "XMinioStorageFull", "InsufficientStorage":
		return fmt.Sprintf("the storage %s is full, or bucket %s is; make room or raise the quota", s.endpoint, s.bucket)
	}
	return ""
}

// isRefused reports that the keys may not do what was asked for.
func isRefused(err error) bool { return statusOf(err) == http.StatusForbidden }

// statusOf is the status of the storage's answer; 0 where there was none.
func statusOf(err error) int {
	var answer minio.ErrorResponse
	if errors.As(err, &answer) {
		return answer.StatusCode
	}
	return 0
}
