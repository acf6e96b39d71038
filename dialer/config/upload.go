package config

import (
	"strings"
	"time"

	"ringpace/configs/duration"
	"ringpace/media/record/upload"
)

// What becomes of the file of a recording that was uploaded.
const (
	LocalKeep   = "keep"   // it stays, until recording.retention
	LocalDelete = "delete" // it goes after KeepLocal
)

// Upload is the object storage that finished recordings are brought to.
type Upload struct {
	Endpoint  string        `yaml:"endpoint"` // http:// or https://, host and port; empty: nothing is uploaded
	Bucket    string        `yaml:"bucket"`
	Prefix    string        `yaml:"prefix"` // of all keys; {node} is node.id
	Region    string        `yaml:"region"`
	AccessKey Secret        `yaml:"access_key"`
	SecretKey Secret        `yaml:"secret_key"`
	CAFile    string        `yaml:"ca_file"` // PEM; default: the system's authorities
	Style     string        `yaml:"style" enum:"auto,path,host"`
	Parallel  int           `yaml:"parallel"`
	Local     string        `yaml:"local" enum:"keep,delete"`
	KeepLocal time.Duration `yaml:"keep_local"` // LocalDelete: how long after the upload
}

// DefaultUpload uploads nothing.
func DefaultUpload() Upload {
	return Upload{
		Prefix: "{node}", Region: upload.DefaultRegion, Style: upload.StyleAuto,
		Parallel: upload.DefaultParallel, Local: LocalKeep, KeepLocal: 24 * time.Hour,
	}
}

// Keys returns the prefix of the keys of a node.
func (u Upload) Keys(node string) string { return strings.ReplaceAll(u.Prefix, "{node}", node) }

// upload checks where recordings are brought to.
func (v *validator) upload() {
	const key = "recording.upload"
	r := &v.config.Recording
	u := &r.Upload
	if u.Endpoint == "" {
		if u.Bucket != "" || u.AccessKey.Set() || u.SecretKey.Set() {
			v.bad(key+".endpoint", "is missing; write the address of the storage, such as https://s3.example.com")
		}
		return
	}
	host, secure, err := upload.ParseEndpoint(u.Endpoint)
	if err != nil {
		v.bad(key+".endpoint", "%v", err)
	}
	if u.Bucket == "" {
		v.bad(key+".bucket", "is missing; write the name of a bucket that there is")
	} else if err := upload.CheckBucket(u.Bucket); err != nil {
		v.bad(key+".bucket", "%v", err)
	}
	if err := upload.CheckPrefix(u.Keys(v.config.Node.ID)); err != nil {
		v.bad(key+".prefix", "%v", err)
	}
	if u.Region == "" {
		v.bad(key+".region", "is missing; write that of the bucket, or %s where the storage has none", upload.DefaultRegion)
	}
	if !u.AccessKey.Set() {
		v.bad(key+".access_key", "is missing; write it, or {env: NAME} or {file: PATH}")
	}
	if !u.SecretKey.Set() {
		v.bad(key+".secret_key", "is missing; write {env: NAME} or {file: PATH}, or the key itself")
	}
	if u.CAFile != "" {
		v.authorities(key+".ca_file", u.CAFile)
	}
	if u.Parallel < 1 || u.Parallel > upload.MaxParallel {
		v.bad(key+".parallel", "%d; write how many uploads may go on at a time, 1 to %d", u.Parallel, upload.MaxParallel)
	}
	if u.Local == LocalDelete && r.Retention > 0 && u.KeepLocal > r.Retention {
		v.warn(key+".keep_local", "%s is longer than recording.retention (%s), which deletes first", duration.Format(u.KeepLocal), duration.Format(r.Retention))
	}
	if name, _, _ := strings.Cut(host, ":"); err == nil && !secure && !loopback(name) && len(r.EncryptTo) == 0 {
		v.warn(key+".endpoint", "recordings go over the wire in the clear; write https://, or set recording.encrypt_to")
	}
	if !r.Enabled {
		v.warn(key, "has no effect where recording.enabled is false: not even what waits is uploaded")
	}
}
