// Register slice: full rate, every output a register.
//
// Ports: in, out: W bits a beat. In RTL it stands at the end of each block, so
// that ready never travels through a block within a cycle.
// Timing: a beat leaves 1 cycle after it came; interval 1 cycle a beat.
// Resources: 2 W + 2 FF, W + 3 LUT.
`default_nettype none
module pta_skid #(
    parameter W = 8
) (
    input  wire         clk, rst,
    input  wire [W-1:0] in_data,
    input  wire         in_valid,
    output wire         in_ready,
    output wire [W-1:0] out_data,
    output wire         out_valid,
    input  wire         out_ready
);
    reg [W-1:0] head, spare; // spare: came while head could not leave
    reg head_valid, spare_free; // free, not valid: it enables registers as it is

    assign in_ready = spare_free;
    assign out_data = head;
    assign out_valid = head_valid;

    wire move = out_ready || !head_valid;
    always @(posedge clk) begin
        if (spare_free) spare <= in_data;
        if (move) head <= spare_free ? in_data : spare;
        if (move) begin
            head_valid <= in_valid || !spare_free;
            spare_free <= 1'b1;
        end else if (in_valid) begin
            spare_free <= 1'b0;
        end
        if (rst) begin
            head_valid <= 1'b0;
            spare_free <= 1'b1;
        end
    end
endmodule
`default_nettype wire
