// Zero padding of an image.
//
// Ports: in: ROWS x COLS vectors of C elements of W bits, P a beat; out: the
// same with PT, PB rows of zeros above and below and PL, PR columns of zeros at
// the left and right of it.
// Timing: CB = ceil(C / P); interval (ROWS+PT+PB)(COLS+PL+PR) CB cycles; latency,
// first beat in to last beat out: interval - (PT (COLS+PL+PR) + PL) CB.
// Resources: 3 P W FF, P W LUT, counters.
`default_nettype none
module pta_pad #(
    parameter ROWS = 4,
    parameter COLS = 4,
    parameter C = 1,
    parameter P = 1,
    parameter W = 8,
    parameter PT = 1,
    parameter PB = 1,
    parameter PL = 1,
    parameter PR = 1
) (
    input  wire           clk, rst,
    input  wire [P*W-1:0] in_data,
    input  wire           in_valid,
    output wire           in_ready,
    output wire [P*W-1:0] out_data,
    output wire           out_valid,
    input  wire           out_ready
);
    localparam CB = (C + P - 1) / P;
    localparam OUT_ROWS = ROWS + PT + PB;
    localparam OUT_COLS = COLS + PL + PR;
    localparam YW = $clog2(OUT_ROWS + 1);
    localparam XW = $clog2(OUT_COLS + 1);

    reg [$clog2(CB+1)-1:0] b;
    reg [YW-1:0] y;
    reg [XW-1:0] x;
    wire end_b = b == CB - 1;
    wire end_x = end_b && x == OUT_COLS - 1;
    wire end_y = end_x && y == OUT_ROWS - 1;

    wire signed [YW:0] image_y = $signed({1'b0, y}) - PT;
    wire signed [XW:0] image_x = $signed({1'b0, x}) - PL;
    wire in_image = image_y >= 0 && image_y < ROWS
                 && image_x >= 0 && image_x < COLS;
    wire ready;
    // A frame begins when its first beat is offered, even if with zeros.
    wire fresh = b == 0 && x == 0 && y == 0;
    wire valid = in_valid || !(in_image || fresh);
    assign in_ready = in_image && ready;

    always @(posedge clk) begin
        if (valid && ready) begin
            b <= end_b ? 0 : b + 1'b1;
            if (end_b) x <= end_x ? 0 : x + 1'b1;
            if (end_x) y <= end_y ? 0 : y + 1'b1;
        end
        if (rst) begin
            b <= 0;
            x <= 0;
            y <= 0;
        end
    end

    pta_skid #(.W(P*W)) out_skid (
        .clk(clk), .rst(rst), .in_data(in_image ? in_data : {P*W{1'b0}}),
        .in_valid(valid), .in_ready(ready), .out_data(out_data),
        .out_valid(out_valid), .out_ready(out_ready));
endmodule
`default_nettype wire
