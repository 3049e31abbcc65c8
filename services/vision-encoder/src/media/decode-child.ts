// Entry of a decoder process: started by DecoderProcess, never imported.
import { decodePicture } from './decode-picture.js';
import { serveDecodeOrders } from './serve-decode-orders.js';

serveDecodeOrders(decodePicture);
