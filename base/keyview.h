/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keyview: where keynegd's view of its peers is found, and what it says, for
 * those who ask.
 *
 * Constants only.  keynegd.sock (SOCK_STREAM, in the run directory, root's
 * alone): whoever connects gets the view as text and the end of file; nothing
 * is read.  A line is a word and then KEY=VALUE pairs, separated by one tab;
 * no value holds a tab or a newline.  New keys and lines may come; readers
 * skip what they do not know.
 *   keynegd    version= up_secs= engine= (0, 1: connected)
 *   peer       association= said= local= peer= principal= method= state=
 *              role= algorithms= forward_secrecy= spi_in= spi_out=
 *              age_secs= rekey_secs= expires_secs= heard_secs= exchanges=
 *              failures= why= why_secs=
 *   exchanges  method= result= count=
 *   messages   method= event= count=
 *   end        complete= (0: there are more peers than are shown)
 * Times are seconds, since something or until it; -1: it never was, or there
 * is no such limit.  state is up, negotiating, failed, refused or idle.
 */
#ifndef BASE_KEYVIEW_H
#define BASE_KEYVIEW_H

#define KEYVIEW_SOCKET     "keynegd.sock"
#define KEYVIEW_MAX        (16u << 20) /* octets of a view */
#define KEYVIEW_SECONDS    10          /* for a reader to take it */
#define KEYVIEW_LINE_PAIRS 32

#endif
