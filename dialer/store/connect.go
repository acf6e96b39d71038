package store

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// bulk bounds calls that move many leads or records.
const bulk = 10

// connect makes the client that rawURL asks for. Nothing is retried behind our
// back: a lost answer is for the caller to judge.
//
//	redis://[user:password@]host:port/db            one server; rediss:// with TLS
//	unix:///path/to/socket                          one server
//	redis+cluster://host:port?addr=host2:port       Redis Cluster
//	redis+sentinel://host:port?master_name=NAME     a server that Sentinel names
func connect(rawURL string, timeout time.Duration) (redis.UniversalClient, error) {
	// The client's log is one for the process and goes to stderr. What it has to
	// say comes back as errors too.
	logging.Disable()
	quiet := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	kind, rest, _ := strings.Cut(rawURL, "://")
	switch kind {
	case "redis+cluster", "rediss+cluster":
		o, err := redis.ParseClusterURL(strings.TrimSuffix(kind, "+cluster") + "://" + rest)
		if err != nil {
			return nil, badURL(rawURL, err)
		}
		o.Protocol, o.MaxRetries, o.DialerRetries = 2, -1, 1
		o.DialTimeout, o.PoolTimeout, o.ReadTimeout, o.WriteTimeout = timeout, timeout, bulk*timeout, bulk*timeout
		o.ContextTimeoutEnabled, o.DisableIdentity, o.MaintNotificationsConfig = true, true, quiet
		return redis.NewClusterClient(o), nil
	case "redis+sentinel", "rediss+sentinel":
		o, err := redis.ParseFailoverURL(strings.TrimSuffix(kind, "+sentinel") + "://" + rest)
		if err != nil {
			return nil, badURL(rawURL, err)
		}
		o.Protocol, o.MaxRetries, o.DialerRetries = 2, -1, 1
		o.DialTimeout, o.PoolTimeout, o.ReadTimeout, o.WriteTimeout = timeout, timeout, bulk*timeout, bulk*timeout
		o.ContextTimeoutEnabled, o.DisableIdentity = true, true
		return redis.NewFailoverClient(o), nil
	}
	o, err := redis.ParseURL(rawURL)
	if err != nil {
		return nil, badURL(rawURL, err)
	}
	o.Protocol, o.MaxRetries, o.DialerRetries = 2, -1, 1
	o.DialTimeout, o.PoolTimeout, o.ReadTimeout, o.WriteTimeout = timeout, timeout, bulk*timeout, bulk*timeout
	o.ContextTimeoutEnabled, o.DisableIdentity, o.MaintNotificationsConfig = true, true, quiet
	return redis.NewClient(o), nil
}

// badURL keeps a password that the URL may hold out of the message.
func badURL(rawURL string, err error) error {
	if u, parseErr := url.Parse(rawURL); parseErr == nil {
		return fmt.Errorf("store: redis URL %s: %w", u.Redacted(), err)
	}
	return fmt.Errorf("store: the redis URL cannot be read (want redis://host:6379/0)")
}
