#include "CSQLiteShims.h"
