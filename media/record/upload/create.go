package upload

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/minio/minio-go/v7"
)

// unseenError is the storage's answer where it shows no object: there is none (404), or the
// access key may not see whether there is (403, which Amazon also says of what is not
// there, to keys without s3:ListBucket).
type unseenError struct{ error }

func (e unseenError) Unwrap() error { return e.error }

// isUnseen reports that the storage has answered, and has shown no object. Any other error
// says nothing of whether there is one.
func isUnseen(err error) bool {
	var unseen unseenError
	return errors.As(err, &unseen)
}

// stat asks what an object is.
func (s *storage) stat(ctx context.Context, rel string) (minio.ObjectInfo, error) {
	info, err := s.core.StatObject(ctx, s.bucket, s.key(rel), minio.StatObjectOptions{Checksum: true})
	switch code := statusOf(err); {
	case code == http.StatusNotFound, code == http.StatusForbidden:
		return info, unseenError{err}
	case code/100 == 3, code == http.StatusBadRequest:
		// No answer to HEAD has a body, where the reason would be: that to GET has.
		if body, _, _, reason := s.core.GetObject(ctx, s.bucket, s.key(rel), minio.GetObjectOptions{}); reason != nil {
			err = reason
		} else {
			body.Close()
		}
	}
	return info, err
}

// create makes an object where the storage has shown none, and has the storage refuse it
// should there be one after all (If-None-Match, RFC 9110 section 13.1.2). A storage that
// knows no conditions, and says so, is believed that there is none if that was its answer.
func (s *storage) create(ctx context.Context, rel, kind string, c content, unseen error) error {
	err := s.put(ctx, rel, kind, c, true)
	switch hidden := isRefused(unseen); {
	case statusOf(err) == http.StatusPreconditionFailed && hidden:
		return told{fault{single, fmt.Sprintf("%s is there already, and the access key may not see what it holds; grant it s3:GetObject", s.object(rel))}}
	case statusOf(err) == http.StatusNotImplemented && hidden:
		return told{fault{lasting, fmt.Sprintf("the access key may not see what is in bucket %s, and %s cannot be told to write nothing over; grant it s3:GetObject and s3:ListBucket", s.bucket, s.endpoint)}}
	case statusOf(err) == http.StatusNotImplemented:
		return s.put(ctx, rel, kind, c, false)
	}
	return err
}
