"""A stand-in for a lakeFS server: its documented HTTP API and the read side of its S3 gateway, for tests of clients.

`python -m hour_lake_tests.lakefs_server --port 8000 --access-key K --secret-key S --root DIR --repository demo`

In tests: `with running.running(folder) as server`. Faults can be ordered over HTTP, see `faults`. Everything is kept
below --root and is there again after a restart.

It is made from what is public: the API definition (and the models that the `lakefs-sdk` package generates from it), the
documentation at docs.lakefs.io, and the answers of servers that people quote in issues. It is not lakeFS: what passes
here still has to be run against the real one. Where the public word does not settle what a server does, an assumption
is made; those that a client can notice are switches, so that it can be tested both ways:

--same-change    Both sides of a merge, or a new upload, put the same content under a path at another physical address.
                 The documentation's table of merges speaks of "file contents" (B and B give B), but also of the
                 "identity of files", which it does not define. `clean` (default): checksum, size, content type and user
                 metadata decide, the address does not. `conflict`: an object at another address is another object, for
                 merges, diffs and commits alike.
--empty-merge    A merge that brings nothing. The API has `allow_empty` and `force` for "branches with the same
                 content"; issues quote 400 "no changes" without them: `fail` (default). Where the branches differ, but
                 all that the source changed is on the destination already, `fail` makes a commit; issue 3274 reads as
                 if that were refused too: `fail-nothing-new`. `noop` answers with the head of the destination where
                 `fail` refuses. An import that changes nothing follows the same switch.
--relink         A physical address that was linked is linked again. Issues quote 400: `refuse` (default); the
                 definition has nothing against it: `allow`.
--metadata-keys  User metadata that came as headers. Issue 9730: keys were kept in title case (`Length`), and are to be
                 kept in lower case as S3 does: `lower` (default) or `title`. Keys that came as JSON stay as they are.
--metadata-bytes User metadata of one object beyond this answers 400 (issue 9728: S3's limit of 2 KB is to hold).

Assumptions without a switch:

- Linking does not look at the object: `checksum` and `size_bytes` are taken as the client says.
- An issued address that was not linked within --link-seconds (6 hours are documented) answers 409 with a new one.
- `If-None-Match: *` and `If-Match` that fail answer 412; another value of `If-None-Match` answers 501.
- A merge always makes a commit with the destination as first and the source as second parent, adds the key
  `.lakefs.merge.strategy` to its metadata, takes only what is committed on the source, and answers 400 when the
  destination has uncommitted changes. Of several common ancestors the newest is the base.
- diff of type three_dot names paths that both sides changed differently `conflict`, with --same-change as above.
- diff of two refs, a merge and a tag see only what is committed; a branch's objects are seen with what is not.
- The gateway shows user metadata only under keys that begin with `x-amz-meta-` (issue 9089).
- A commit date is set by the client at its own risk; the log goes by the order in which commits were made.
- `amount` of 0 or -1 gives as many as a page holds (1000).
- An imported object's checksum is not a digest of its content (as with objects that S3 took in parts); an import
  replaces what stands at the same paths, keeps everything else and leaves uncommitted changes uncommitted.
- A name is looked for among branches, then tags, then commit ids (a prefix of at least 6 digits).

Not here: actions and hooks, pull requests, garbage collection, protected branches, users and policies, presigned
uploads in parts, writing through the S3 gateway. Object paths must be ones that the embedded lake can hold (no empty
parts, no control characters); others answer 400.
"""
