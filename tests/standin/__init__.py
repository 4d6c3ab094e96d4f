"""Stand-ins for what callkit pulls from: an amoCRM server and a myBI database, both made from a neutral world."""
