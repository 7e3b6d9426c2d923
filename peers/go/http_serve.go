// This file owns the service http: net/http's server on a listener that
// numbers and reports connections. What is answered is the site's to say.
package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// exchangeRequest is the rest of a `request` step.
type exchangeRequest struct {
	Method   string      `json:"method"`
	Target   string      `json:"target"`
	Version  string      `json:"version"`
	Fields   [][2]string `json:"fields"`
	Trailers [][2]string `json:"trailers,omitempty"`
}

// exchangeResponse is the rest of a `response` step of a service.
type exchangeResponse struct {
	Status int `json:"status"`
}

// siteListener hands connections to net/http that report their own end.
type siteListener struct {
	*net.TCPListener
	service *service
}

func (l siteListener) Accept() (net.Conn, error) {
	conn, report, err := l.service.accept(l.TCPListener)
	if err != nil {
		return nil, err
	}
	return &siteConn{TCPConn: conn, service: l.service, report: report}, nil
}

type siteConn struct {
	*net.TCPConn
	service *service
	report  *reporter
	broken  sync.Once
	closed  sync.Once
}

func (c *siteConn) Read(into []byte) (int, error) {
	n, err := c.TCPConn.Read(into)
	return n, c.noticing(err)
}

func (c *siteConn) Write(octets []byte) (int, error) {
	n, err := c.TCPConn.Write(octets)
	return n, c.noticing(err)
}

// ReadFrom keeps net/http from going round Write.
func (c *siteConn) ReadFrom(from io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{c}, from)
}

func (c *siteConn) noticing(err error) error {
	if isReset(err) {
		c.broken.Do(func() { c.report.add(step{name: "reset", by: "them"}) })
	}
	return err
}

func (c *siteConn) Close() error {
	err := c.TCPConn.Close()
	c.closed.Do(func() { c.service.dismiss(c.TCPConn, c.report) })
	return err
}

type connKey struct{}

func (s *service) serveHTTP(content site) error {
	listener, err := s.listen()
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:        content,
		MaxHeaderBytes: headLimit,
		// The site answers OPTIONS *, too.
		DisableGeneralOptionsHandler: true,
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, conn)
		},
	}
	_ = server.Serve(siteListener{listener, s}) // it returns after a stop
	_ = server.Close()
	return nil
}

// ServeHTTP reads the whole request, answers it, and reports both.
func (s site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn := r.Context().Value(connKey{}).(*siteConn)
	content, err := conn.readRequest(r)
	if err != nil {
		// The message is broken, and so no whole one was handed over. What
		// net/http itself does about a bad message is done here as well.
		w.Header().Set("Connection", "close")
		http.Error(w, "400 Bad Request", http.StatusBadRequest)
		return
	}
	a := s.find(r.Method, r.RequestURI, strings.Join(r.Header.Values("If-None-Match"), ","))
	sent := tally{silent: conn.report == nil}
	if a.write(w, r, content, &sent) != nil {
		return // net/http has closed the connection, and taken no whole response
	}
	conn.report.add(step{name: "response", count: &sent, members: exchangeResponse{a.status}})
}

// readRequest returns the content of a request, and reports it.
func (c *siteConn) readRequest(r *http.Request) ([]byte, error) {
	var content bytes.Buffer
	received := tally{silent: c.report == nil}
	if _, err := io.Copy(io.MultiWriter(&content, &received), r.Body); err != nil {
		return nil, err
	}
	if c.report != nil {
		c.report.add(step{name: "request", count: &received, members: exchangeRequest{
			Method: r.Method, Target: latin1(r.RequestURI), Version: r.Proto,
			Fields: requestFields(r), Trailers: reportedFields(r.Trailer),
		}})
	}
	return content.Bytes(), nil
}

// requestFields puts Host back, which net/http takes out of the others.
func requestFields(r *http.Request) [][2]string {
	if r.Host == "" || r.Header.Get("Host") != "" {
		return reportedFields(r.Header)
	}
	section := r.Header.Clone()
	section.Set("Host", r.Host)
	return reportedFields(section)
}

// write hands an answer over to net/http.
func (a answer) write(w http.ResponseWriter, r *http.Request, mirrored []byte, sent *tally) error {
	header := w.Header()
	header["Content-Type"] = nil // what the site does not say, net/http shall not guess
	if a.allow != "" {
		header.Set("Allow", a.allow)
	}
	body := recipe{}
	if a.resource != nil {
		body = a.resource.describe(header, r, a.status, mirrored)
	}
	chunked := a.resource != nil && a.resource.chunked
	if !chunked && a.status != http.StatusNoContent && a.status != http.StatusNotModified {
		header.Set("Content-Length", strconv.FormatInt(body.length(), 10))
	}
	w.WriteHeader(a.status)
	if !mayHaveContent(r.Method, a.status) {
		return nil
	}
	if chunked {
		// Otherwise net/http gives short content a Content-Length.
		if err := http.NewResponseController(w).Flush(); err != nil {
			return err
		}
	}
	return body.copyTo(io.MultiWriter(w, sent))
}

func mayHaveContent(method string, status int) bool {
	return method != http.MethodHead && status != http.StatusNoContent && status != http.StatusNotModified
}

// notModifiedFields are those that a 304 has if the 200 would have had them
// (RFC 9110 15.4.5), besides Date and ETag.
var notModifiedFields = []string{"Cache-Control", "Content-Location", "Expires", "Vary"}

// describe sets the fields of a response, and returns its content.
func (r *resource) describe(header http.Header, request *http.Request, status int, mirrored []byte) recipe {
	given := http.Header{}
	addFields(given, r.fields)
	if status == http.StatusNotModified && r.status != status {
		for name := range given {
			if !slices.Contains(notModifiedFields, name) {
				given.Del(name)
			}
		}
	}
	for name, values := range given {
		header[name] = values
	}
	if r.etag != "" {
		header.Set("ETag", toLatin1(r.etag))
	}
	if !r.mirror {
		return r.body
	}
	if kind, there := request.Header["Content-Type"]; there && given.Get("Content-Type") == "" {
		header["Content-Type"] = kind
	}
	return recipe{literal: mirrored}
}
