// Memory of DEPTH words of W bits, filled from a hex file, one word a line.
//
// q is word `addr` one cycle later. BLOCK 0: LUTs, 1: block RAM.
// Resources: 0: about W ceil(DEPTH / 64) LUT, W FF; 1: block RAM of DEPTH x W.
`default_nettype none
module pta_rom #(
    parameter W = 8,
    parameter DEPTH = 16,
    parameter BLOCK = 0,
    parameter FILE = "rom.hex",
    parameter AW = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
    input  wire          clk,
    input  wire [AW-1:0] addr,
    output reg  [W-1:0]  q
);
    generate if (DEPTH == 1) begin : one
        reg [W-1:0] word [0:0];
        initial $readmemh(FILE, word);
        always @(posedge clk) q <= word[0];
    end else if (BLOCK == 0) begin : lut
        // Yosys has no distributed ROM of its own, Vivado no "logic".
`ifdef YOSYS
        (* rom_style = "logic" *) reg [W-1:0] word [0:DEPTH-1];
`else
        (* rom_style = "distributed" *) reg [W-1:0] word [0:DEPTH-1];
`endif
        initial $readmemh(FILE, word);
        always @(posedge clk) q <= word[addr];
    end else begin : block
        (* rom_style = "block", ram_style = "block" *)
        reg [W-1:0] word [0:DEPTH-1];
        initial $readmemh(FILE, word);
        always @(posedge clk) q <= word[addr];
    end endgenerate
endmodule
`default_nettype wire
