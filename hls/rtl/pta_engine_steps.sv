// Control of the reused engine: which step of which layer is next, and whether what
// it reads is there. Part of pta_engine, which explains layers and parameters.
//
// A step, one cycle after it was issued (read_*: at issue): step_valid, its place
// in the layer, step_at: the accumulator. Steps of a layer's first pass wait for
// the rows of the vector they read; last steps of the last layer for room in the
// result FIFO (pop: one left it).
`default_nettype none
module pta_engine_steps #(
    parameter LAYERS = 2,
    parameter STEPS = 16,
    parameter RB = 4,       // bits of a row of activations
    parameter MB = 4,       // bits of a group of outputs
    parameter ROOM = 16,
    parameter P_FILE = "p.hex",
    parameter AW = STEPS > 1 ? $clog2(STEPS) : 1
) (
    input  wire          clk, rst,
    // the input vector, and that of the layer before
    input  wire          in_whole, act_whole,
    input  wire [RB-1:0] in_rows, act_rows,
    output wire          read_in, read_half, read_signed,
    output wire [RB-1:0] read_row,
    output reg  [AW-1:0] addr,
    output wire          in_done, act_done, // last step that reads it
    output reg           step_valid, step_first, step_last, step_end,
    output reg           step_signed,
    output reg  [MB-1:0] step_at,
    input  wire          pop
);
    localparam LB = LAYERS > 1 ? $clog2(LAYERS) : 1;
    reg [143:0] layer [0:LAYERS-1];
    initial $readmemh(P_FILE, layer);

    // The present layer, and the number of the next.
    reg [33:0] now;
    reg [LB-1:0] next;
    reg first_layer, last_layer, half;
    wire [RB-1:0] col_end = now[RB-1:0];
    wire [MB-1:0] row_end = now[16 +: MB];
    wire columns = now[32];

    reg [RB-1:0] col;
    reg [MB-1:0] row;
    reg [$clog2(ROOM+1)-1:0] room;
    wire last_col = col == col_end;
    wire last_row = row == row_end;
    wire here = first_layer ? in_whole || in_rows > col
                            : act_whole || act_rows > col;
    wire takes_room = last_layer && last_col;
    wire go = here && (!takes_room || room != 0);
    wire done = go && last_col && last_row;
    assign in_done = done && first_layer;
    assign act_done = done && !first_layer;
    assign read_in = first_layer;
    assign read_half = half;
    assign read_signed = now[33];
    assign read_row = col;

    wire [LB-1:0] load = rst ? 0 : next;
    wire [143:0] loaded = layer[load];
    wire load_last = load == LAYERS - 1;
    always @(posedge clk) begin
        if (go && (!columns || last_row)) col <= last_col ? 0 : col + 1'b1;
        if (go && (columns || last_col)) row <= last_row ? 0 : row + 1'b1;
        if (go) addr <= done && last_layer ? 0 : addr + 1'b1;
        if (done || rst) begin
            now <= loaded[33:0];
            next <= load_last ? 0 : load + 1'b1;
            first_layer <= rst || last_layer;
            last_layer <= load_last;
            half <= !rst && !first_layer && !half;
        end
        room <= room + pop - (go && takes_room);
        step_valid <= go;
        step_first <= col == 0;
        step_last <= last_col;
        step_end <= last_col && last_row;
        step_signed <= now[33];
        step_at <= columns ? row : 0;
        if (rst) begin
            col <= 0;
            row <= 0;
            addr <= 0;
            room <= ROOM;
            step_valid <= 1'b0;
        end
    end
endmodule
`default_nettype wire
