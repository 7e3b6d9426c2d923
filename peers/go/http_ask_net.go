// This file owns asking with net/http's client transport. It reads nothing of
// an answer that the transport does not hand over.
package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// continueWait is how long content is held back that was announced with
// Expect: 100-continue; it is net/http's own default.
const continueWait = time.Second

// netClient is the transport of one conversation.
type netClient struct {
	asking    *asking
	transport *http.Transport
}

func newNetClient(a *asking) httpClient {
	return netClient{a, &http.Transport{
		DialContext:            func(context.Context, string, string) (net.Conn, error) { return a.dial() },
		DisableCompression:     true,
		MaxConnsPerHost:        1,
		ExpectContinueTimeout:  continueWait,
		MaxResponseHeaderBytes: headLimit,
	}}
}

func (c netClient) exchange(q question) error {
	request, err := q.request(c.asking.ctx, c.asking.to)
	if err != nil {
		return err
	}
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	got := newKeeper(q.keep)
	err = drink(response, got)
	return c.asking.answered(answered{
		Status: response.StatusCode, Reason: reasonOf(response), Version: response.Proto,
		Fields: reportedFields(response.Header), Trailers: reportedFields(response.Trailer),
	}, got, err)
}

// early: net/http does not export this error.
func (c netClient) early(err error) bool {
	return systemWords(err) == "http: server closed idle connection"
}

func (c netClient) rest() { c.transport.CloseIdleConnections() }

// drink reads the content. After 101 the connection is no longer HTTP, and
// what comes on it is no content.
func drink(response *http.Response, into io.Writer) error {
	if response.StatusCode == http.StatusSwitchingProtocols {
		return nil
	}
	_, err := io.Copy(into, response.Body)
	return err
}

// reasonOf is what net/http leaves of the status line after the code.
func reasonOf(response *http.Response) string {
	_, reason, _ := strings.Cut(response.Status, " ")
	return latin1(reason)
}

func (q *question) request(ctx context.Context, to netip.AddrPort) (*http.Request, error) {
	request := (&http.Request{
		Method: q.method,
		URL:    targetURL(q.target, to),
		Header: http.Header{},
	}).WithContext(ctx)
	addFields(request.Header, q.fields)
	// net/http has these at other places than the other fields.
	request.Host = request.Header.Get("Host")
	request.Header.Del("Host")
	if q.body != nil {
		q.setBody(request, q.body.length())
	}
	return request, nil
}

// setBody leaves GetBody out, so that net/http cannot send content twice.
func (q *question) setBody(request *http.Request, length int64) {
	request.Body = io.NopCloser(q.body.open())
	switch {
	case q.chunked:
		request.ContentLength = -1
		request.TransferEncoding = []string{"chunked"}
	case length == 0:
		request.Body = http.NoBody
		request.TransferEncoding = []string{"identity"} // has it say Content-Length: 0
	default:
		request.ContentLength = length
	}
}

// targetURL has net/http send the target exactly as it is. An opaque URL does
// that, except that one beginning with // would become an absolute-form.
func targetURL(target string, to netip.AddrPort) *url.URL {
	u := &url.URL{Scheme: "http", Host: authority(to), Opaque: target}
	if !strings.HasPrefix(target, "//") {
		return u
	}
	path, query, asked := strings.Cut(target, "?")
	if plain, err := url.PathUnescape(path); err == nil {
		u.Opaque, u.Path, u.RawPath = "", plain, path
		u.RawQuery, u.ForceQuery = query, asked
	}
	return u
}
