/*
 * The faces of the service: in which shape its clients get what all routes have in common.
 *
 * Which one a request has is said by its path (request.face). A route answers what it is asked for in its own
 * way; whatever is refused on the way there is refused by the face.
 */
#ifndef API_FACE_H
#define API_FACE_H

#include "api/exchange.h"

const struct face *face_of(enum request_face face);

#endif
