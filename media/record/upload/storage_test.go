package upload

import "testing"

func TestChecks(t *testing.T) {
	for endpoint, good := range map[string]bool{
		"https://s3.example.com": true, "http://127.0.0.1:9000/": true, "s3.example.com": false, "ftp://x": false,
		"https://": false, "https://x/bucket": false, "https://key:secret@x": false, "": false,
	} {
		if _, _, err := ParseEndpoint(endpoint); (err == nil) != good {
			t.Errorf("endpoint %q: %v", endpoint, err)
		}
	}
	for prefix, good := range map[string]bool{
		"": true, "calls": true, "a/b-c_1.2": true, "/a": false, "a/": false, "../a": false, "a//b": false, "a b": false, ".": false,
	} {
		if err := CheckPrefix(prefix); (err == nil) != good {
			t.Errorf("prefix %q: %v", prefix, err)
		}
	}
	for bucket, good := range map[string]bool{"calls": true, "my.calls-1": true, "Calls": false, "a": false, "": false, "a/b": false} {
		if err := CheckBucket(bucket); (err == nil) != good {
			t.Errorf("bucket %q: %v", bucket, err)
		}
	}
}
